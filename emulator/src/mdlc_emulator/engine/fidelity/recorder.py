"""The ledger of this engine: judges each call of LocalStack's chain, counts it, and in strict mode refuses
it.

`admit` stands in the chain where service and operation are known, `count_response` among the response
handlers. What never passes the chain (front handlers, in-process calls) is counted by `count`.
"""

import os
import threading
from collections.abc import Mapping
from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.services.plugins import SERVICE_PLUGINS, Service
from rolo.gateway import HandlerChain
from rolo.response import Response

from mdlc_emulator.engine.fidelity.implementation import implementation_of
from mdlc_emulator.engine.fidelity.ledger import Fidelity, Key, Ledger
from mdlc_emulator.engine.fidelity.resource import resource_of
from mdlc_emulator.engine.fidelity.table import Condition, Judgement, table

LEDGER = Ledger()

STRICT = os.environ.get("MDLC_STRICT", "").lower() in ("1", "true", "yes")
"""Whether simulated and unsupported calls are refused."""

SIMULATED_CODE = "SimulatedByEmulator"
UNSUPPORTED_CODE = "UnsupportedByEmulator"
"""Codes of the errors that strict mode answers with; the second also stands for unknown operations."""

_JUDGEMENTS: dict[tuple[str, str], Judgement] = {}
_CONDITIONS: dict[tuple[str, str], tuple[Condition, ...]] = {}
_LOADING = threading.Lock()


def judge(service: str, operation: str) -> Judgement:
    """What an operation of this engine is worth; loads the service's provider when first asked."""
    found = _JUDGEMENTS.get((service, operation))
    if found is None:
        with _LOADING:
            if conditions := table().conditions(service, operation):
                _CONDITIONS[service, operation] = conditions
            found = _JUDGEMENTS[service, operation] = _judge(service, operation)
    return found


def judge_call(service: str, operation: str, request: Mapping[str, Any] | None) -> Judgement:
    """What one call is worth: that of its operation, unless its request asks for what is only simulated."""
    judgement = judge(service, operation)
    for condition in _CONDITIONS.get((service, operation), ()):
        if request and judgement.fidelity is Fidelity.EXECUTED and condition.holds(request):
            return Judgement(Fidelity.SIMULATED, condition.reason)
    return judgement


def _judge(service: str, operation: str) -> Judgement:
    if not SERVICE_PLUGINS.exists(service):
        return Judgement(Fidelity.UNSUPPORTED, f"The emulator does not have the service {service!r}.")
    provider = SERVICE_PLUGINS.get_service(service)
    if not isinstance(provider, Service) or provider.skeleton is None:
        return Judgement(Fidelity.UNSUPPORTED, f"The emulator does not have the service {service!r}.")
    return table().judge(service, operation, implementation_of(service, provider, operation))


def operations_of(service: str) -> list[str]:
    """The operations in a service's model; none for a service that the engine does not have."""
    provider = SERVICE_PLUGINS.get_service(service) if SERVICE_PLUGINS.exists(service) else None
    if not isinstance(provider, Service) or provider.skeleton is None:
        return []
    return list(provider.skeleton.service.operation_names)


def refusal(service: str, operation: str, judgement: Judgement) -> CommonServiceException:
    """What strict mode answers instead of `operation`."""
    way_out = "Start the emulator without --strict to have it answered all the same."
    if judgement.fidelity is Fidelity.SIMULATED:
        return CommonServiceException(
            SIMULATED_CODE,
            f"{service}:{operation} would only be simulated: {judgement.reason} {way_out}",
        )
    return CommonServiceException(
        UNSUPPORTED_CODE,
        f"{service}:{operation} is not supported: {judgement.reason}",
        status_code=501,
    )


def admit(chain: HandlerChain[Any], context: RequestContext, response: Response) -> None:
    """Request handler: in strict mode, refuse what is not executed. The engine's own calls pass."""
    if not STRICT or context.operation is None or context.service is None or context.is_internal_call:
        return
    service, operation = context.service.service_name, context.operation.name
    judgement = judge_call(service, operation, context.service_request)
    if judgement.fidelity is not Fidelity.EXECUTED:
        raise refusal(service, operation, judgement)


def count_response(chain: HandlerChain[Any], context: RequestContext, response: Response) -> None:
    """Response handler: count the call of the chain with the class of its operation and how it ended."""
    if context.service is None or context.operation is None:
        return
    service, operation = context.service.service_name, context.operation.name
    fidelity = judge_call(service, operation, context.service_request).fidelity
    error = None
    if response.status_code >= 400:
        error = _error_code(context, response)
        if response.status_code == 501:
            fidelity = Fidelity.UNSUPPORTED
    elif fidelity is Fidelity.UNSUPPORTED:
        # Somebody answered whom implementation.py does not see: no proof of more.
        fidelity = Fidelity.SIMULATED
    internal = context.internal_request_params
    LEDGER.record(
        Key(
            fidelity,
            service,
            operation,
            resource_of(service, context.service_request),
            context.account_id or "",
            (internal.get("service_principal") or "") if internal is not None else _access_key(context),
            context.region or "",
            internal is not None,
        ),
        error,
    )


def count(
    service: str,
    operation: str,
    *,
    account: str,
    region: str,
    resource: str = "",
    access_key: str = "",
    error: str | None = None,
    internal: bool = False,
) -> None:
    """Count a call that did not pass the chain; `access_key` may be a service's principal for an internal
    one."""
    fidelity = judge(service, operation).fidelity
    LEDGER.record(Key(fidelity, service, operation, resource, account, access_key, region, internal), error)


def count_executed(
    service: str, operation: str, resource: str, *, account: str, region: str, error: str | None = None
) -> None:
    """Count a call to what a user has deployed (an API, a function's URL): not of any service's own API."""
    LEDGER.record(Key(Fidelity.EXECUTED, service, operation, resource, account, "", region, False), error)


def count_unknown(service: str, operation: str, context: RequestContext) -> None:
    """Count a call of an operation that the model of its service does not have."""
    internal = context.internal_request_params is not None
    key = Key(
        Fidelity.UNSUPPORTED,
        service,
        operation,
        "",
        context.account_id or "",
        _access_key(context),
        context.region or "",
        internal,
    )
    LEDGER.record(key, UNSUPPORTED_CODE)


def count_resource(fidelity: Fidelity, kind: str, resource: str, *, account: str, region: str) -> None:
    """Count a resource that a stack asks for and that no call of a service stands for: of a type that
    CloudFormation cannot make here, or for which it only keeps a record."""
    error = "UnsupportedResourceType" if fidelity is Fidelity.UNSUPPORTED else None
    LEDGER.record(
        Key(fidelity, "cloudformation", kind, resource, account, "cloudformation", region, True), error
    )


def has(service: str) -> bool:
    """Whether the engine has a service of this name."""
    return bool(SERVICE_PLUGINS.exists(service))


def _access_key(context: RequestContext) -> str:
    authorization = context.request.headers.get("Authorization") or ""
    _, found, rest = authorization.partition("Credential=")
    return rest.partition("/")[0] if found else ""


def _error_code(context: RequestContext, response: Response) -> str:
    code = getattr(context.service_exception, "code", None)
    return str(code) if code else str(response.status_code)
