"""Running invocations in one function version, reporting them, and ending the version without cutting any
off.
"""

import logging
import threading
import time
from concurrent.futures import Future
from typing import Any

from localstack.aws.api.lambda_ import TooManyRequestsException
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import (
    Invocation,
    InvocationResult,
    ProvisionedConcurrencyState,
)
from localstack.services.lambda_.invocation.version_manager import LambdaVersionManager
from localstack.utils.xray.trace_header import TraceHeader

from mdlc_emulator.engine.functions.invocation_environments import Environment, Environments, stream_of
from mdlc_emulator.engine.functions.invocation_leases import Leases
from mdlc_emulator.engine.functions.invocation_logs import LogDelivery
from mdlc_emulator.engine.functions.invocation_metrics import Metrics
from mdlc_emulator.engine.functions.invocation_provisioned import Provisioner

LOG = logging.getLogger(__name__)
DRAIN_MARGIN_SECONDS = 5.0
"""How much longer than the function's timeout a replaced version is given for what still runs in it."""


class VersionEndedError(Exception):
    """The version was replaced between look-up and invocation: look it up again."""


class NoLogThread:
    """Stands where LocalStack keeps a log thread for each version; `LogDelivery` serves all of them."""

    def start_subscriber(self) -> None: ...

    def stop(self) -> None: ...


class Reports:
    """Where the outcome of invocations goes."""

    def __init__(self) -> None:
        self.logs = LogDelivery()
        self.metrics = Metrics()
        self.ending = threading.Event()
        """Set when the emulator ends: nothing drains any more."""

    def stop(self) -> None:
        self.logs.stop()
        self.metrics.stop()


class VersionManager(LambdaVersionManager):
    """One version of a function that can be invoked."""

    assignment_service: Environments
    counting_service: Leases

    def __init__(self, *arguments: Any, reports: Reports, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.log_handler = NoLogThread()  # type: ignore[assignment]
        self._reports = reports
        self._provisioner = Provisioner(self.id, self.function_version, self.assignment_service, reports.logs)
        self._in_flight = 0
        self._changed = threading.Condition()

    def invoke(self, *, invocation: Invocation) -> InvocationResult:
        """Run `invocation` and report it. Errors of the function are results; a TooManyRequestsException, a
        VersionEndedError or an error of the emulator itself is raised."""
        with self._changed:
            if self.shutdown_event.is_set():
                raise VersionEndedError(self.function_arn)
            self._in_flight += 1
        try:
            return self._run(invocation)
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()

    def _run(self, invocation: Invocation) -> InvocationResult:
        identifier = self.function_version.id
        environment: Environment | None = None
        try:
            with self.counting_service.get_invocation_lease(
                self.function, self.function_version, self.provisioned_state
            ) as kind:
                concurrent = self.counting_service.running(identifier.account, identifier.region).on_demand[
                    identifier.function_name
                ]
                started = time.perf_counter()
                try:
                    with self.assignment_service.get_environment(
                        self.id, self.function_version, kind
                    ) as environment:
                        started = time.perf_counter()
                        result: InvocationResult = environment.runtime_executor.invoke(_payload(invocation))
                except StatusErrorException as error:
                    # The environment could not start: Lambda answers with the error of the init phase.
                    environment = environment or getattr(error, "environment", None)
                    result = InvocationResult(
                        invocation.request_id,
                        error.payload,
                        is_error=True,
                        logs=getattr(error, "logs", None) or "",
                    )
        except TooManyRequestsException:
            self._measure(invocation, {"Throttles": 1})
            raise
        result.executed_version = identifier.qualifier
        milliseconds = getattr(result, "duration_ms", None) or (time.perf_counter() - started) * 1000
        self._measure(
            invocation,
            {
                "Invocations": 1,
                "Errors": 1 if result.is_error else 0,
                "Duration": round(milliseconds, 2),
                "ConcurrentExecutions": max(concurrent, 1),
            },
        )
        if environment is not None and result.logs:
            self._reports.logs.add(stream_of(environment), result.logs)
        return result

    def _measure(self, invocation: Invocation, values: dict[str, float]) -> None:
        identifier = self.function_version.id
        resource = invocation.invoked_arn.split(":function:", 1)[-1]
        self._reports.metrics.record(
            identifier.account, identifier.region, identifier.function_name, resource, values
        )

    @property
    def provisioned_state(self) -> ProvisionedConcurrencyState | None:
        """How many provisioned environments there are; None when none are asked for."""
        return self._provisioner.state

    @provisioned_state.setter
    def provisioned_state(self, state: ProvisionedConcurrencyState | None) -> None:
        """LocalStack's constructor sets it to None, which it is."""

    def update_provisioned_concurrency_config(self, provisioned_concurrent_executions: int) -> "Future[None]":
        return self._provisioner.want(provisioned_concurrent_executions)

    def stop(self) -> None:
        """End this version: at once if nothing runs in it or the emulator ends, else after its last
        invocation."""
        with self._changed:
            self.shutdown_event.set()
            self._provisioner.stop()
            busy = self._in_flight > 0
        if busy and not self._reports.ending.is_set():
            threading.Thread(target=self._drain, name=f"lambda-drain-{self.id}", daemon=True).start()
        else:
            super().stop()

    def _drain(self) -> None:
        deadline = time.monotonic() + self.function_version.config.timeout + DRAIN_MARGIN_SECONDS
        with self._changed:
            self._changed.wait_for(
                lambda: self._in_flight == 0 or self._reports.ending.is_set(), deadline - time.monotonic()
            )
        super().stop()


def _payload(invocation: Invocation) -> dict[str, Any]:
    """What the runtime executor is given for one invocation."""
    trace = (invocation.trace_context or {}).get("aws_trace_header") or TraceHeader()  # type: ignore[no-untyped-call]
    trace.ensure_root_exists().ensure_parent_exists()
    if trace.sampled is None:
        trace.ensure_sampled_exists()
    payload: dict[str, Any] = {
        "invoke-id": invocation.request_id,
        "invoked-function-arn": invocation.invoked_arn,
        "payload": invocation.payload,
        "trace-id": trace.to_header_str(),
    }
    if invocation.client_context:
        payload["client-context"] = invocation.client_context
    return payload
