"""AWS Batch as a service of LocalStack."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from localstack.aws.spec import load_service
from localstack.services.plugins import Service, ServiceLifecycleHook

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.batch.aws import EngineWorld
from mdlc_emulator.engine.batch.backend import Handler, batch
from mdlc_emulator.engine.batch.errors import invalid
from mdlc_emulator.engine.constraints import compile_checks
from mdlc_emulator.engine.containers.contract import Containers
from mdlc_emulator.engine.moto_service import native_service

SETTING = "MDLC_BATCH_VCPUS"
# "The values aren't case sensitive" (API_EvaluateOnExit): retrying.check_strategy looks at them.
_LENIENT = ("RetryAction",)


def _containers() -> Containers:
    from mdlc_emulator.engine.containers.host import containers

    return containers()


def machine_vcpus() -> float:
    """vCPU that all jobs together may hold: four for each processor, at least 8, or what the setting says."""
    given = os.environ.get(SETTING)
    return float(given) if given else max(8.0, 4.0 * (os.cpu_count() or 1))


BATCH = batch(EngineWorld(), _containers, machine_vcpus())


class _Lifecycle(ServiceLifecycleHook):
    def on_before_state_reset(self) -> None:
        BATCH.dispatcher.forget_all()
        BATCH.store.clear()

    def on_before_stop(self) -> None:
        BATCH.dispatcher.stop_starting()


def batch_service() -> Service:
    model = load_service("batch")
    shapes: list[str] = []
    backend: dict[str, Handler] = {}
    for name, handler in BATCH.operations.items():
        if name not in model.operation_names:
            continue
        shape: Any = model.operation_model(name).input_shape
        shapes.append(shape.name)
        backend[name] = _checked(compile_checks(shape, skip=_LENIENT), handler)
    return native_service("batch", backend, unchecked=shapes, lifecycle=_Lifecycle())


def _checked(check: Callable[[dict[str, Any]], None], handler: Handler) -> Handler:
    """Batch has one error for bad requests, ClientException, where most services have ValidationException."""

    def respond(caller: Caller, request: dict[str, Any]) -> Any:
        try:
            check(request)
        except AwsError as error:
            raise invalid(error.message) from error
        return handler(caller, request)

    return respond
