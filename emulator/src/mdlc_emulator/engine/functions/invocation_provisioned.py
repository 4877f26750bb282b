"""Provisioned concurrency of one version: as many environments as asked for, kept ready.

One thread at a time brings the number there to the number asked for, which may change meanwhile.
Environments that serve go on serving while others are added; surplus ones end when they are idle.
"""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from localstack.aws.api.lambda_ import ProvisionedConcurrencyStatusEnum as Status
from localstack.services.lambda_.invocation.execution_environment import RuntimeStatus
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import (
    FunctionVersion,
    InitializationType,
    ProvisionedConcurrencyState,
)

from mdlc_emulator.engine.functions.invocation_environments import Environment, Environments, stream_of
from mdlc_emulator.engine.functions.invocation_logs import LogDelivery

LOG = logging.getLogger(__name__)
STARTS_AT_ONCE = 16
INIT_FAILED = "FUNCTION_ERROR_INIT_FAILURE"
PAUSE_SECONDS = 0.02


class Provisioner:
    """Keeps the provisioned environments of one version. `state` is None while none are asked for."""

    def __init__(
        self, manager: str, version: FunctionVersion, environments: Environments, logs: LogDelivery
    ) -> None:
        self._manager = manager
        self._version = version
        self._environments = environments
        self._logs = logs
        self._lock = threading.Lock()
        self._wanted = 0
        self._busy: Future[None] | None = None
        self._ended = False
        self.state: ProvisionedConcurrencyState | None = None

    def want(self, number: int) -> "Future[None]":
        """Ask for `number` environments. The future is done when they are there, or could not be made."""
        with self._lock:
            self._wanted = number
            if number == 0:
                self.state = None
            else:
                state = self.state or ProvisionedConcurrencyState()
                state.status = Status.IN_PROGRESS
                state.status_reason = None
                self.state = state
            if self._busy is None:
                self._busy = Future()
                threading.Thread(
                    target=self._approach, args=(self._busy,), name="lambda-provisioning", daemon=True
                ).start()
            return self._busy

    def stop(self) -> None:
        """Make no more environments."""
        self._ended = True

    def _mine(self) -> list[Environment]:
        return [
            environment
            for environment in list(self._environments.environments[self._manager].values())
            if environment.initialization_type == InitializationType.provisioned_concurrency
            and isinstance(environment, Environment)
        ]

    def _approach(self, done: "Future[None]") -> None:
        while True:
            there = self._mine()
            missing = self._wanted - len(there)
            failure: Exception | None = None
            if missing > 0 and not self._ended:
                failure = self._start(missing)
            elif missing < 0:
                self._end_idle(there, -missing)
            with self._lock:
                there = self._mine()
                if self.state is not None:
                    self.state.allocated = self.state.available = len(there)
                if failure is not None and self.state is not None:
                    self.state.status = Status.FAILED
                    self.state.status_reason = INIT_FAILED
                if failure is not None or self._ended or len(there) == self._wanted:
                    if failure is None and self.state is not None:
                        self.state.status = Status.READY
                    self._busy = None
                    break
            time.sleep(PAUSE_SECONDS)
        done.set_result(None)

    def _start(self, number: int) -> Exception | None:
        """Start `number` environments; the first failure, if any."""
        failure: Exception | None = None
        with ThreadPoolExecutor(STARTS_AT_ONCE, thread_name_prefix="lambda-provision") as starters:
            for outcome in [starters.submit(self._start_one) for _ in range(number)]:
                error = outcome.exception()
                if isinstance(error, Exception) and failure is None:
                    failure = error
        if failure is not None and not self._ended:
            LOG.warning("Provisioned concurrency of %s failed: %s", self._version.qualified_arn, failure)
        return failure

    def _start_one(self) -> None:
        environment = Environment(
            function_version=self._version,
            initialization_type=InitializationType.provisioned_concurrency,
            on_timeout=self._environments.on_timeout,
            version_manager_id=self._manager,
        )
        try:
            environment.start()
        except StatusErrorException as error:
            self._logs.add(stream_of(environment), getattr(error, "logs", None) or "")
            raise
        self._environments.environments[self._manager][environment.id] = environment

    def _end_idle(self, environments: list[Environment], number: int) -> None:
        for environment in environments:
            if number and environment.status == RuntimeStatus.READY and environment.try_reserve():
                self._environments.stop_environment(environment)
                number -= 1
