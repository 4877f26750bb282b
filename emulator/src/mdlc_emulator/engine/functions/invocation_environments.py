"""Execution environments between invocations: which one serves next, and when an idle one ends.

LocalStack starts a timer thread after every invocation, to end the environment when it has been idle for too
long. Here one thread looks after all idle environments.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import cast

from localstack import config
from localstack.services.lambda_.invocation.assignment import AssignmentException, AssignmentService
from localstack.services.lambda_.invocation.execution_environment import (
    EnvironmentStartupTimeoutException,
    ExecutionEnvironment,
    InvalidStatusException,
    RuntimeStatus,
)
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import (
    Credentials,
    FunctionVersion,
    InitializationType,
)

from mdlc_emulator.engine.logs.writing import Stream

LOG = logging.getLogger(__name__)
SIMULTANEOUS_STARTS = 64
"""Environments that may be starting at one moment; LocalStack's 16 is meant for containers."""
SESSION_SECONDS = 3600.0
_SESSIONS: dict[tuple[str, str, str, str], tuple[float, Credentials]] = {}


class Environment(ExecutionEnvironment):
    """An execution environment without a timer of its own."""

    def __init__(
        self,
        function_version: FunctionVersion,
        initialization_type: InitializationType,
        on_timeout: Callable[[str, str], None],
        version_manager_id: str,
    ) -> None:
        super().__init__(function_version, initialization_type, on_timeout, version_manager_id)
        self.idle_since = time.monotonic()
        # Lambda names the stream once, when the environment starts: it does not change at midnight.
        self._stream = f"{date.today():%Y/%m/%d}/[{self.function_version.id.qualifier}]{self.id}"

    def get_log_group_name(self) -> str:
        group = (self.function_version.config.logging_config or {}).get("LogGroup")
        return group or f"/aws/lambda/{self.function_version.id.function_name}"

    def get_log_stream_name(self) -> str:
        return self._stream

    def get_credentials(self) -> Credentials:
        """Credentials of the function's role: one session for all environments of a function, renewed
        hourly."""
        identifier = self.function_version.id
        key = (
            identifier.account,
            identifier.region,
            identifier.function_name,
            self.function_version.config.role,
        )
        found = _SESSIONS.get(key)
        if found is None or found[0] < time.monotonic():
            found = (time.monotonic() + SESSION_SECONDS, super().get_credentials())
            _SESSIONS[key] = found
        return found[1]

    def try_reserve(self) -> bool:
        """Take this environment for one invocation, if it is ready."""
        with self.status_lock:
            if self.status != RuntimeStatus.READY:
                return False
            self.status = RuntimeStatus.INVOKING
            return True

    def reserve(self) -> None:
        if not self.try_reserve():
            raise InvalidStatusException(f"Execution environment {self.id} is not ready but {self.status}")

    def release(self) -> None:
        with self.status_lock:
            if self.status != RuntimeStatus.INVOKING:
                raise InvalidStatusException(
                    f"Execution environment {self.id} does not run but is {self.status}"
                )
            self.status = RuntimeStatus.READY
            self.idle_since = time.monotonic()
            self.last_returned = datetime.now()


def forget_sessions() -> None:
    """Assume every role anew."""
    _SESSIONS.clear()


def stream_of(environment: ExecutionEnvironment) -> Stream:
    """Where the output of an environment goes."""
    identifier = environment.function_version.id
    return Stream(
        identifier.account,
        identifier.region,
        environment.get_log_group_name(),
        environment.get_log_stream_name(),
    )


def _ours(environment: ExecutionEnvironment) -> Environment:
    """Every environment here is one of ours: `install` sees to it."""
    return cast(Environment, environment)


class Environments(AssignmentService):
    """Finds or starts an environment for an invocation; ends those that have been idle for too long."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.on_demand_start_semaphore = threading.Semaphore(SIMULTANEOUS_STARTS)
        self._ending = threading.Event()
        self._sweeper: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def get_environment(
        self,
        version_manager_id: str,
        function_version: FunctionVersion,
        provisioning_type: InitializationType,
    ) -> Iterator[Environment]:
        environment = self._ready(version_manager_id, provisioning_type)
        if environment is None:
            if provisioning_type == InitializationType.provisioned_concurrency:
                raise AssignmentException("No provisioned concurrency environment available despite lease.")
            environment = self._start(version_manager_id, function_version)
        try:
            yield environment
        except Exception:
            # What the environment does now is unknown: it must not serve again. A provisioned one is put
            # back, since nothing would replace it.
            if environment.initialization_type == InitializationType.on_demand:
                self.stop_environment(environment)
            else:
                self._put_back(environment)
            raise
        self._put_back(environment)

    def _ready(self, manager: str, kind: InitializationType) -> Environment | None:
        # The one that came last serves first: the others can then be idle long enough to end.
        for environment in reversed(list(self.environments[manager].values())):
            if environment.initialization_type == kind and _ours(environment).try_reserve():
                return _ours(environment)
        return None

    def _start(self, manager: str, version: FunctionVersion) -> Environment:
        with self.on_demand_start_semaphore:
            environment: Environment = self.start_environment(manager, version)
        environment.reserve()
        self.environments[manager][environment.id] = environment
        self._watch()
        return environment

    def start_environment(self, version_manager_id: str, function_version: FunctionVersion) -> Environment:
        """A new environment, its init phase behind it; what init raises carries the environment as
        `environment`."""
        environment = Environment(
            function_version=function_version,
            initialization_type=InitializationType.on_demand,
            on_timeout=self.on_timeout,
            version_manager_id=version_manager_id,
        )
        try:
            environment.start()
        except (StatusErrorException, EnvironmentStartupTimeoutException) as error:
            vars(error)["environment"] = environment
            raise
        except Exception as error:
            raise AssignmentException(
                f"Could not start new environment: {type(error).__name__}:{error}"
            ) from error
        return environment

    def _put_back(self, environment: Environment) -> None:
        try:
            environment.release()
        except InvalidStatusException:
            # Stopped meanwhile, by a deletion or the end of the emulator.
            self.environments[environment.version_manager_id].pop(environment.id, None)

    def on_timeout(self, version_manager_id: str, environment_id: str) -> None:
        self.environments[version_manager_id].pop(environment_id, None)

    def stop(self) -> None:
        self._ending.set()
        super().stop()  # type: ignore[no-untyped-call]

    def _watch(self) -> None:
        with self._lock:
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep, name="lambda-idle", daemon=True)
                self._sweeper.start()

    def _sweep(self) -> None:
        keep = config.LAMBDA_KEEPALIVE_MS / 1000
        while not self._ending.wait(min(max(keep / 4, 0.2), 15)):
            oldest = time.monotonic() - keep
            for environments in list(self.environments.values()):
                for environment in list(environments.values()):
                    if (
                        environment.initialization_type == InitializationType.on_demand
                        and environment.status == RuntimeStatus.READY
                        and _ours(environment).idle_since < oldest
                    ):
                        try:
                            environment.keepalive_passed()
                        except Exception:
                            LOG.warning("An idle environment did not end", exc_info=True)
