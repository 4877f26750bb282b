"""Who calls, and from which region: what LocalStack reads from the credentials, remembered by access key and
region."""

from typing import Any

from localstack.aws import handlers
from localstack.aws.api import RequestContext
from rolo.gateway import HandlerChain

_REMEMBERED = 10_000
_KNOWN: dict[tuple[str, str], tuple[str, str, str]] = {}
"""(access key, region asked for) -> account, region, partition; only where the region is taken as it is."""


def identify(chain: HandlerChain[Any], context: RequestContext, response: Any) -> None:
    """Request handler: account, region and partition; for moto, its account header too."""
    headers = context.request.headers
    asked = _scope(headers.get("Authorization") or "")
    if asked is not None and (known := _KNOWN.get(asked)) is not None:
        context.account_id, context.region, context.partition = known
        headers.add("x-moto-account-id", context.account_id)
        return
    handlers.inject_auth_header_if_missing(chain, context, response)
    handlers.add_region_from_header(chain, context, response)
    handlers.rewrite_region(chain, context, response)
    handlers.add_account_id(chain, context, response)
    if asked is not None and context.region == asked[1] and len(_KNOWN) < _REMEMBERED:
        _KNOWN[asked] = (context.account_id, context.region, context.partition)


def _scope(authorization: str) -> tuple[str, str] | None:
    """Access key and region of a SigV4 signature."""
    if not authorization.startswith("AWS4-"):
        return None
    _, found, rest = authorization.partition("Credential=")
    parts = rest.partition(",")[0].split("/")
    return (parts[0], parts[2]) if found and len(parts) == 5 else None
