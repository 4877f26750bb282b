"""Lambda's invocations as a whole: which version answers a call, now or from the queue of events."""

import dataclasses
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import datetime
from typing import Any, cast

from localstack.aws.api.lambda_ import (
    InvocationType,
    LastUpdateStatus,
    LastUpdateStatusReasonCode,
    ResourceConflictException,
    State,
)
from localstack.services.lambda_.invocation import assignment, lambda_service
from localstack.services.lambda_.invocation.lambda_models import (
    FunctionVersion,
    Invocation,
    InvocationResult,
    S3Code,
    UpdateStatus,
    VersionState,
)
from localstack.services.lambda_.invocation.lambda_service import LambdaService
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.utils.strings import long_uid

from mdlc_emulator.engine.functions.invocation_async import AsyncInvocations
from mdlc_emulator.engine.functions.invocation_call import (
    Answer,
    Call,
    Target,
    check,
    client_context,
    resolve,
)
from mdlc_emulator.engine.functions.invocation_environments import Environment, Environments
from mdlc_emulator.engine.functions.invocation_leases import Leases
from mdlc_emulator.engine.functions.invocation_version import Reports, VersionEndedError, VersionManager

LOG = logging.getLogger(__name__)
READY_WITHIN_SECONDS = 8.0
"""How long a control-plane call waits for a new version, so that the first look at it finds it ready. What
takes longer is Pending (or InProgress) until it is done."""
REPLACED_WITHIN_SECONDS = 2.0


class NoEventManager:
    """Stands where LocalStack keeps a queue and its threads for each version; `AsyncInvocations` serves
    all."""

    def __init__(self, version_manager: VersionManager) -> None:
        self.version_manager = version_manager

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def stop_for_update(self) -> None: ...


class InvocationService(LambdaService):
    """LocalStack's Lambda service with a short way to the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.assignment_service = Environments()
        self.counting_service = Leases()
        self.reports = Reports()
        self.events = AsyncInvocations(self.run, self.reports.metrics)

    # -- invoking

    def call(self, call: Call) -> Answer:
        """Answer an Invoke. Raises Lambda's own exceptions (404, 409, 413, 429, ...)."""
        target = resolve(call)
        check(call)
        if call.kind == InvocationType.DryRun:
            return Answer(204)
        if call.kind == InvocationType.Event:
            self.manager(target)
            self.events.add(call, target.qualifier)
            return Answer(202)
        result = self.run(call, target)
        error = None
        if result.is_error:
            error = getattr(result, "function_error", None) or "Unhandled"
        return Answer(200, result.payload or b"", result.executed_version, error, result.logs or "")

    def run(self, call: Call, target: Target | None = None) -> InvocationResult:
        """Run a call now, in whichever version answers it, and wait for its result."""
        target = target or resolve(call)
        invocation = Invocation(
            payload=call.payload,
            invoked_arn=target.arn,
            client_context=client_context(call),
            invocation_type=InvocationType.RequestResponse,
            invoke_time=datetime.now(),
            request_id=call.request_id,
            trace_context={"aws_trace_header": call.trace},
            user_agent=call.user_agent,
        )
        deadline = time.monotonic() + REPLACED_WITHIN_SECONDS
        while True:
            try:
                result: InvocationResult = self.manager(target).invoke(invocation=invocation)
                return result
            except VersionEndedError:
                # An update has just put another in its place.
                if time.monotonic() > deadline:
                    raise
                target = resolve(call)
                time.sleep(0.001)

    def manager(self, target: Target) -> VersionManager:
        """What runs the version; a ResourceConflictException while it is not ready."""
        manager = cast(VersionManager | None, self.lambda_running_versions.get(target.version_arn))
        if manager is None:
            state = target.version.config.state.state
            raise ResourceConflictException(
                "The operation cannot be performed at this time. The function is currently in the following "
                f"state: {state}",
                Type="User",
            )
        return manager

    def invoke(
        self,
        function_name: str,
        qualifier: str | None,
        region: str,
        account_id: str,
        invocation_type: str | None,
        client_context: str | None,
        request_id: str,
        payload: bytes | None,
        trace_context: dict[str, Any] | None = None,
        user_agent: str | None = None,
    ) -> InvocationResult | None:
        """LocalStack's own entry (function URLs use it): `call` in its terms."""
        call = Call(
            account=account_id,
            region=region,
            name=function_name,
            qualifier=qualifier,
            kind=invocation_type or InvocationType.RequestResponse,
            payload=payload or b"",
            request_id=request_id or long_uid(),
            trace=(trace_context or {}).get("aws_trace_header"),
            user_agent=user_agent,
        )
        answer = self.call(call)
        if answer.version is None:
            return None
        return InvocationResult(
            call.request_id, answer.payload, answer.function_error is not None, answer.logs, answer.version
        )

    # -- versions

    def create_function_version(self, function_version: FunctionVersion) -> Future[None]:
        """Prepare a version; returns when it is ready, or after `READY_WITHIN_SECONDS` at the latest."""
        future: Future[None] = super().create_function_version(function_version)
        wait([future], timeout=READY_WITHIN_SECONDS)
        return future

    def updating(self, function_version: FunctionVersion) -> bool:
        """Whether a new state of this version is being prepared."""
        return function_version.qualified_arn in self.lambda_starting_versions

    def update_version_state(self, function_version: FunctionVersion, new_state: VersionState) -> None:
        """Note how the preparation of a version ended. An update that failed leaves the function as it was,
        active and with its old settings; LocalStack would show the new ones, in state Failed, while the old
        ones run."""
        running = self.lambda_running_versions.get(function_version.qualified_arn)
        super().update_version_state(function_version, new_state)
        identifier = function_version.id
        function = lambda_stores[identifier.account][identifier.region].functions.get(
            identifier.function_name
        )
        if new_state.state != State.Failed or running is None or function is None:
            return
        before = running.function_version
        failed = UpdateStatus(
            LastUpdateStatus.Failed, LastUpdateStatusReasonCode.InternalError, new_state.reason
        )
        config = dataclasses.replace(
            before.config, state=VersionState(state=State.Active), last_update=failed
        )
        function.versions[identifier.qualifier] = dataclasses.replace(before, config=config)
        if isinstance(function_version.config.code, S3Code):
            lambda_service.destroy_code_if_not_used(function_version.config.code, function)

    def stop_version(self, qualified_arn: str) -> None:
        """End a version that is deleted. One that failed to start has nothing to end: LocalStack raises
        there, so that a failed function could never be deleted."""
        if qualified_arn in self.lambda_running_versions or qualified_arn in self.lambda_starting_versions:
            super().stop_version(qualified_arn)

    def stop(self) -> None:
        self.reports.ending.set()
        self.events.stop()
        # First what is known, which takes no time; then what still runs, for as long as the end may take.
        self.reports.stop()
        super().stop()

    def new_version_manager(self, **options: Any) -> VersionManager:
        return VersionManager(reports=self.reports, **options)


type Current = Callable[[], InvocationService]
"""The service of now: a reset of the emulator's state puts a new one in place."""


def install(current: Current) -> None:
    """Let LocalStack's service build our version managers and no event managers."""
    for name in ("LambdaVersionManager", "LambdaEventManager"):
        if not hasattr(lambda_service, name):
            raise RuntimeError(
                f"LocalStack's lambda_service has no {name}: this engine needs LocalStack 2026.3.0"
            )
    vars(lambda_service)["LambdaVersionManager"] = lambda **options: current().new_version_manager(**options)
    vars(lambda_service)["LambdaEventManager"] = NoEventManager
    vars(assignment)["ExecutionEnvironment"] = Environment
