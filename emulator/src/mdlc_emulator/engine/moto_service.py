"""Services for LocalStack's plugin manager: answered by moto in this process, or by a backend of ours."""

import functools
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from localstack.aws.api import RequestContext, ServiceException, ServiceRequest
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.moto import call_moto
from localstack.services.plugins import Service, ServiceLifecycleHook

from mdlc_emulator.engine import mutation
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.constraints import compile_checks
from mdlc_emulator.engine.fidelity.table import Implementation, table

LOG = logging.getLogger(__name__)

type Operation = Callable[[RequestContext, ServiceRequest], Any]
type Backend = Mapping[str, Callable[[Caller, dict[str, Any]], Any]]


def moto_service(
    name: str,
    overrides: Mapping[str, Operation] | None = None,
    lifecycle: ServiceLifecycleHook | None = None,
) -> Service:
    """The service `name` (botocore's name), moto answering every operation that `overrides` does not name."""
    model = load_service(name)

    def forward(context: RequestContext, request: ServiceRequest) -> Any:
        return call_moto(context)

    table: dict[str, Operation] = dict.fromkeys(model.operation_names, forward)
    table.update(overrides or {})
    return Service(name, skeleton=Skeleton(model, table), lifecycle_hook=lifecycle or ServiceLifecycleHook())


def native_service(
    name: str,
    backend: Backend,
    *,
    unchecked: Collection[str] = (),
    violation: str = "ValidationException",
    lifecycle: ServiceLifecycleHook | None = None,
) -> Service:
    """The service `name`, each operation answered by `backend[operation](caller, request)`.

    A backend returns the response as botocore's model shapes it, or raises `AwsError`. Requests are checked
    against the model's constraints first (`unchecked` names shapes that the backend checks itself,
    `violation` is the code of the error). An operation that the backend lacks is answered with 501 and a
    sentence that says so.
    """
    model = load_service(name)

    def answer(operation: str) -> Operation:
        handle = backend.get(operation)
        if handle is None:
            return _unsupported(name, operation)
        if mutation.ENABLED:
            handle = mutation.replaceable(name, model.operation_model(operation), handle)

        # Compiled by the first call: a large service (SageMaker) has more operations than anyone uses.
        @functools.cache
        def check() -> Callable[[dict[str, Any]], None]:
            return compile_checks(
                model.operation_model(operation).input_shape, skip=unchecked, code=violation
            )

        def respond(context: RequestContext, request: ServiceRequest) -> Any:
            wanted: dict[str, Any] = dict(request or {})
            try:
                check()(wanted)
                return handle(Caller(context.account_id, context.region), wanted)
            except AwsError as error:
                raise service_exception(error) from error

        return respond

    table = {operation: answer(operation) for operation in model.operation_names}
    return Service(name, skeleton=Skeleton(model, table), lifecycle_hook=lifecycle or ServiceLifecycleHook())


def service_exception(error: AwsError) -> ServiceException:
    """`error` as LocalStack serialises it."""
    exception = ServiceException(
        error.message, code=error.code, status_code=error.status, sender_fault=error.status < 500
    )
    for member, value in error.members.items():
        setattr(exception, member, value)
    return exception


def _unsupported(service: str, operation: str) -> Operation:
    def refuse(context: RequestContext, request: ServiceRequest) -> Any:
        judged = table().judge(service, operation, Implementation.NONE)
        raise service_exception(
            AwsError(
                "UnsupportedByEmulator",
                f"The emulator does not have the operation {service}:{operation}. {judged.reason} "
                "Nothing was changed; GET /_mdlc/fidelity/classes lists what there is.",
                status=501,
            )
        )

    return refuse
