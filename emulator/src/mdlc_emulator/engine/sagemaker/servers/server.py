"""One model server: a container that listens on port 8080, from its start until it is gone.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html#your-algorithms-inference-algo-ping-requests:
it is ready once /ping answers 200.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.containers.contract import (
    Container,
    ContainerError,
    ContainerSpec,
    Exit,
    Mount,
    Network,
)
from mdlc_emulator.engine.containers.logs import LogWriter
from mdlc_emulator.engine.sagemaker.models.data import DataError
from mdlc_emulator.engine.sagemaker.models.plan import ContainerPlan
from mdlc_emulator.engine.sagemaker.servers.health import PING_SECONDS
from mdlc_emulator.engine.sagemaker.servers.wire import (
    NotListeningError,
    TimedOutError,
    UnansweredError,
    Wire,
)

PORT = 8080
PING_EVERY = 0.025
"""Seconds between two looks whether the server is ready."""
TAIL = 15
"""Lines of output that a failure tells."""
TAIL_CHARACTERS = 700
STOP_GRACE = 5.0
STARTUP_SECONDS = 480.0


def startup_seconds() -> float:
    """Within which a server must answer /ping with 200, unless a request says otherwise: the setting
    MDLC_SAGEMAKER_STARTUP_SECONDS, else 480."""
    return float(os.environ.get("MDLC_SAGEMAKER_STARTUP_SECONDS") or STARTUP_SECONDS)


class ServerError(Exception):
    """The server never got ready. `why` is what to say of it; `tail` its last lines of output."""

    def __init__(self, why: str, tail: str = "") -> None:
        super().__init__(f"{why} Its last lines: {tail}" if tail else why)
        self.why, self.tail = why, tail


class Server:
    """`start`, `await_ready`, then ask through `wire`; `stop` in any state. Methods may be called from any
    thread."""

    def __init__(
        self,
        plan: ContainerPlan,
        caller: Caller,
        name: str,
        isolated: bool,
        log: LogWriter,
        memory_mib: int | None = None,
    ) -> None:
        """`name` is for the machine's log; `log` gets each line of output."""
        self.plan = plan
        self.directory = Path(tempfile.mkdtemp(prefix="serve-"))
        self.ml, self.models = self.directory / "ml", self.directory / "models"
        self.wire = Wire(self._connect)
        self._caller, self._name, self._isolated = caller, name, isolated
        self._log, self._memory_mib = log, memory_mib
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._container: Container | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._exit: Exit | None = None

    def start(self) -> None:
        """Bring the model's data and start the program. ServerError."""
        from mdlc_emulator.images.resolve import prepare

        try:
            prepare(self.plan.recipe)
            for each in (self.ml, self.models):
                each.mkdir()
            model = self.ml / ("models" if self.plan.many is not None else "model")
            model.mkdir()
            if self.plan.data is not None:
                self.plan.data.lay(self._caller, model)
        except DataError as error:
            self._discard()
            raise ServerError(str(error)) from error
        except Exception as error:  # an environment that cannot be installed says what to do
            self._discard()
            raise ServerError(str(error)) from error
        self._launch()

    def _launch(self) -> None:
        from mdlc_emulator.engine.containers.host import containers

        program = self.plan.program
        mounts = [Mount(source, target) for source, target in program.mounts]
        if self.plan.many is not None:
            # The engine writes here while the container runs, which therefore must not: a link that it
            # leaves would lead the engine out.
            mounts.append(Mount(self.models, "/opt/ml/models"))
        spec = ContainerSpec(
            name=self._name,
            command=program.command,
            environment=self.plan.environment,
            ml=self.ml,
            mounts=mounts,
            working_directory=program.working_directory,
            host_name=self.plan.label if self.plan.label != "primary" else "model",
            network=Network.ISOLATED if self._isolated else Network.PRIVATE,
            ports=(PORT,),
            memory_mib=self._memory_mib,
            background=False,
        )
        with self._lock:
            if self._stopped.is_set():
                raise ServerError("It was stopped before it had started.")
            try:
                self._container = containers().start(spec, self._heard)
            except ContainerError as error:
                self._discard()
                raise ServerError(str(error)) from error
        self._container.when_over(self._over)

    def await_ready(self, timeout: float) -> None:
        """Return once /ping answers 200. ServerError when the server ends or `timeout` seconds pass."""
        deadline = time.monotonic() + timeout
        last = "nothing listens on its port 8080"
        while not self._stopped.is_set():
            if self._exit is not None:
                raise self._failed(f"It ended with exit code {self._exit.code} ({self._exit.ending.value}).")
            try:
                answer = self.wire.ask("GET", "/ping", timeout=PING_SECONDS)
                if answer.status == 200:
                    return
                last = f"/ping answered {answer.status}"
            except TimedOutError:
                last = f"/ping did not answer within {PING_SECONDS:g} s"
            except NotListeningError:
                last = "nothing listens on its port 8080"
            except UnansweredError as error:
                last = str(error)
            if time.monotonic() >= deadline:
                raise self._failed(f"After {timeout:g} s it was not ready: {last}.")
            self._stopped.wait(PING_EVERY)
        raise self._failed("It was stopped before it was ready.")

    def when_over(self, call: Callable[[Exit], None]) -> None:
        """Call `call` in a thread of its own when the container has ended."""
        if self._container is not None:
            self._container.when_over(call)

    @property
    def running(self) -> bool:
        return self._container is not None and self._exit is None

    @property
    def process_id(self) -> int:
        return self._container.process_id if self._container is not None else 0

    def tail(self) -> str:
        """The last lines of output in one."""
        text = " | ".join(line.strip() for line in list(self._tail) if line.strip())
        return text if len(text) <= TAIL_CHARACTERS else f"...{text[-TAIL_CHARACTERS:]}"

    def stop(self, grace: float = STOP_GRACE) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds; the directory goes with it. Returns at once."""
        self._stopped.set()
        self.wire.close()
        with self._lock:
            container = self._container
        if container is None:
            self._discard()
        else:
            container.stop(grace)

    def _connect(self, timeout: float) -> socket.socket:
        container = self._container
        if container is None:
            raise ConnectionRefusedError("the server has not started")
        return container.connect(PORT, timeout)

    def _failed(self, why: str) -> ServerError:
        if self._container is not None and self._exit is not None:
            self._container.wait(1.0)
        return ServerError(why, self.tail())

    def _heard(self, line: str) -> None:
        self._tail.append(line)
        self._log(line)

    def _over(self, ended: Exit) -> None:
        self._exit = ended
        self.wire.close()
        self._log.close()
        self._discard()

    def _discard(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
