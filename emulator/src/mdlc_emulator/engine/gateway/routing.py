"""To whom a request goes: this emulator's routes, LocalStack's, what users have deployed, or an AWS
service."""

from typing import Any

from localstack.aws import handlers
from localstack.aws.api import RequestContext
from localstack.aws.handlers.service_plugin import ServiceLoader, ServiceLoaderForDataPlane
from localstack.aws.spec import get_service_catalog
from rolo.gateway import HandlerChain
from rolo.gateway.chain import Handler

from mdlc_emulator.engine.fidelity import routes
from mdlc_emulator.engine.fidelity.recorder import count_executed

_PLAIN_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0", "localhost.localstack.cloud"})
"""Hosts that say nothing of the service or resource they are asked for."""

_ROUTED = ("/_", "/restapis/", "/v2/apis/", "/health", "/queue/")
"""How paths begin that can belong to a route on a plain host."""

_ROUTED_SERVICES = frozenset({"execute-api", "sqs", "es", "opensearch"})
"""Signing names of requests that may be meant for a route: a deployed API, a queue's URL, a search
cluster."""

_SAGEMAKER_PATHS = {
    "endpoints": "sagemaker-runtime",
    "BatchPutMetrics": "sagemaker-metrics",
    "BatchGetMetrics": "sagemaker-metrics",
    "FeatureGroup": "sagemaker-featurestore-runtime",
    "BatchGetRecord": "sagemaker-featurestore-runtime",
    "human-loops": "sagemaker-a2i-runtime",
    "SendHeartbeat": "sagemaker-edge",
    "GetDeployments": "sagemaker-edge",
    "GetDeviceRegistration": "sagemaker-edge",
    "sagemaker-geospatial": "sagemaker-geospatial",
}
"""The services that sign as `sagemaker`, by the first part of their paths; all others have `/` and a
target."""

_BY_SIGNING_NAME: dict[str, tuple[object, str] | None] = {}


def load_service_of_host(load_service: ServiceLoader) -> Handler[Any]:
    """Request handler that loads the service whose data plane the host names (a function's URL, a
    website)."""
    by_host = ServiceLoaderForDataPlane(load_service)

    def load(chain: HandlerChain[Any], context: RequestContext, response: Any) -> None:
        if not _is_plain(context):
            by_host(chain, context, response)

    return load


def serve_own_routes(chain: HandlerChain[Any], context: RequestContext, response: Any) -> None:
    """Request handler: `/_mdlc/...`."""
    if context.request.path.startswith(routes.PREFIX):
        response.update_from(routes.answer(context.request))
        chain.stop()


def serve_localstack_routes(chain: HandlerChain[Any], context: RequestContext, response: Any) -> None:
    """Request handler: `/_localstack/...`."""
    if context.request.path.startswith("/_localstack/"):
        handlers.serve_localstack_resources(chain, context, response)


def serve_deployed_routes(chain: HandlerChain[Any], context: RequestContext, response: Any) -> None:
    """Request handler: APIs, function URLs, queue URLs and whatever else services have put on the router."""
    if not _is_plain(context) or context.request.path.startswith(_ROUTED) or not _is_api_call(context):
        handlers.serve_edge_router_rules(chain, context, response)
        url_id, found, rest = context.request.host.partition(".lambda-url.")
        if found:
            count_executed(
                "lambda",
                "InvokeFunctionUrl",
                url_id,
                account="",
                region=rest.partition(".")[0],
                error=str(response.status_code) if response.status_code >= 500 else None,
            )


def find_service(chain: HandlerChain[Any], context: RequestContext, response: Any) -> None:
    """Request handler: the AWS service and protocol. Most services have a signing name of their own, which
    settles it; LocalStack's heuristics are for the others."""
    if context.service is None:
        name = _signing_name(context)
        if name:
            if name == "sagemaker":
                name = _SAGEMAKER_PATHS.get(context.request.path.split("/", 2)[1], name)
            known = _BY_SIGNING_NAME.get(name, ...)
            if known is ...:
                known = _BY_SIGNING_NAME[name] = (
                    _only(name) if name.startswith("sagemaker") else _unique(name)
                )
            if known is not None:
                context.service, context.protocol = known  # type: ignore[assignment]
                return
    handlers.parse_service_name(chain, context, response)


def _only(service_name: str) -> tuple[object, str] | None:
    """Service and protocol of a service that is known by name."""
    service = get_service_catalog().get(service_name)
    return None if service is None else (service, service.protocol)


def _unique(signing_name: str) -> tuple[object, str] | None:
    """Service and protocol, if the signing name alone tells them."""
    catalog = get_service_catalog()
    candidates = catalog.by_signing_name(signing_name)
    if len(candidates) != 1:
        return None
    service = catalog.get(candidates[0].name, candidates[0].protocol)
    if service is None or len(service.metadata.get("protocols") or [service.protocol]) != 1:
        return None
    return service, (service.metadata.get("protocols") or [service.protocol])[0]


def _signing_name(context: RequestContext) -> str:
    """The service in the credential scope of a SigV4 signature; "" without one."""
    authorization = context.request.headers.get("Authorization") or ""
    if not authorization.startswith("AWS4-HMAC-SHA256"):
        return ""
    _, found, rest = authorization.partition("Credential=")
    parts = rest.partition(",")[0].split("/")
    return parts[3] if found and len(parts) == 5 else ""


def _is_api_call(context: RequestContext) -> bool:
    """Whether the request is signed for a service none of whose own paths are routes."""
    name = _signing_name(context)
    return bool(name) and (name not in _ROUTED_SERVICES or context.request.path == "/")


def _is_plain(context: RequestContext) -> bool:
    host = context.request.headers.get("Host", "")
    return host in _PLAIN_HOSTS or host.rpartition(":")[0] in _PLAIN_HOSTS
