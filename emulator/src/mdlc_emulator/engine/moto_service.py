"""A service whose operations are answered by moto in this process, each of which can be overridden."""

from collections.abc import Callable, Mapping
from typing import Any

from localstack.aws.api import RequestContext, ServiceRequest
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.moto import call_moto
from localstack.services.plugins import Service, ServiceLifecycleHook

type Operation = Callable[[RequestContext, ServiceRequest], Any]


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
    return Service(name, skeleton=Skeleton(model, table), lifecycle_hook=lifecycle)
