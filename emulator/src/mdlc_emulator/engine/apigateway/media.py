"""Which bodies are binary: API Gateway's rule for `binaryMediaTypes`. Standard library only.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
"""

from collections.abc import Sequence

ANYTHING = "*/*"


def is_binary(media_types: str | None, binary: Sequence[str] | None) -> bool:
    """Whether a Content-Type or Accept header (`media_types`; its first type counts) names a binary type.

    `*/*` among the binary types makes every body binary, also one without a type.
    """
    if not binary:
        return False
    if ANYTHING in binary:
        return True
    kind, slash, sub = (media_types or "").split(",")[0].split(";")[0].strip().lower().partition("/")
    if not slash:
        return False
    for one in binary:
        other, _, wanted = one.split(";")[0].strip().lower().partition("/")
        if kind == other and wanted in ("*", sub):
            return True
    return False
