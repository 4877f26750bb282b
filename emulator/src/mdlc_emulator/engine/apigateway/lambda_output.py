"""What a function behind a Lambda proxy integration may return. Standard library only.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

_KEYS = frozenset({"isBase64Encoded", "statusCode", "headers", "multiValueHeaders", "body"})


class MalformedOutputError(ValueError):
    """Output in another form than API Gateway requires; the client is answered with 502."""


@dataclass(frozen=True)
class Output:
    """A checked output: `headers` in the order given, a header once for each of its values."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""
    base64: bool = False

    def content(self, *, binary: bool) -> bytes:
        """The response's body; with `binary` (the client accepts it) decoded when the function says so."""
        if not (self.base64 and binary):
            return self.body.encode()
        try:
            return base64.b64decode(self.body)
        except (ValueError, binascii.Error):
            raise MalformedOutputError("the body is not base64") from None


def parse(payload: bytes) -> Output:
    """A function's `payload`, checked."""
    try:
        output = json.loads(payload)
    except ValueError:
        raise MalformedOutputError("the output is not JSON") from None
    if not isinstance(output, dict):
        raise MalformedOutputError("the output is not an object")
    if unknown := set(output) - _KEYS:
        raise MalformedOutputError(f"the output has keys besides {sorted(_KEYS)}: {sorted(unknown)}")
    body = output.get("body")
    if body is not None and not isinstance(body, str):
        raise MalformedOutputError("the body is not a string")
    return Output(
        _status(output.get("statusCode")),
        _headers(output.get("headers"), output.get("multiValueHeaders")),
        body or "",
        bool(output.get("isBase64Encoded")),
    )


def _status(value: Any) -> int:
    if value is None:
        return 200
    try:
        status = int(value)
    except (TypeError, ValueError):
        raise MalformedOutputError(f"statusCode is not a number: {value!r}") from None
    if not 100 <= status <= 599:
        raise MalformedOutputError(f"statusCode is not one of HTTP: {status}")
    return status


def _headers(single: Any, multiple: Any) -> list[tuple[str, str]]:
    """Both kinds of headers merged; of a pair that is in both, and of a name in both, that of `multiple`
    counts."""
    for given in (single, multiple):
        if given is not None and not isinstance(given, dict):
            raise MalformedOutputError("headers are not an object")
    merged: dict[str, tuple[str, list[str]]] = {}
    for name, values in (multiple or {}).items():
        if not isinstance(values, list):
            raise MalformedOutputError(f"the multi-value header {name} is not a list")
        merged[name.lower()] = (name, [_value(name, value) for value in values])
    for name, value in (single or {}).items():
        _, values = merged.setdefault(name.lower(), (name, []))
        if (text := _value(name, value)) not in values:
            values.append(text)
    return [(name, value) for name, values in merged.values() for value in values]


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise MalformedOutputError(f"the header {name} is not a string")
    return value
