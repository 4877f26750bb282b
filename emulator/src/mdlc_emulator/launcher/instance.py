"""One emulator: started, watched and ended."""

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mdlc_emulator.launcher import template as templates
from mdlc_emulator.launcher.errors import EmulatorError, NothingRunningError, StartError
from mdlc_emulator.launcher.interpreter import engine_python
from mdlc_emulator.launcher.launching import GRACE, launch
from mdlc_emulator.launcher.ports import listen
from mdlc_emulator.launcher.state import Record, find, kept_log_path, living, record_path
from mdlc_emulator.supervisor import host
from mdlc_emulator.supervisor.supervise import DETACH
from mdlc_emulator.supervisor.sweep import remove_tree

type Progress = Callable[[str], None]


def log_tail(path: Path, lines: int = 40) -> str:
    """The last `lines` lines of a log; "" when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 200 * lines))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


@dataclass
class Instance:
    """A running emulator. `stop()` ends it; one started with `start()` also ends with the process that
    did."""

    port: int
    home: Path
    supervisor_pid: int
    supervisor_mark: str | None
    details: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _owner: int | None = field(default=None, repr=False)

    @classmethod
    def of(cls, record: Record) -> "Instance":
        return cls(record.port, record.home, record.supervisor_pid, record.supervisor_mark, record.details)

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """The engine's log. When the engine has ended unasked, the copy that was kept of it."""
        alive = self.home / "engine.log"
        return alive if alive.exists() else kept_log_path(self.port)

    @property
    def alive(self) -> bool:
        return host.is_same(self.supervisor_pid, self.supervisor_mark)

    def record(self) -> Record | None:
        """What the state directory says of this very instance; None once it has ended."""
        record = find(self.port)
        return record if record is not None and record.home == self.home else None

    def stop(self, timeout: float = GRACE + 5.0) -> None:
        """End the engine and everything below it; nothing of it is left when this returns. Idempotent.

        Raises EmulatorError when processes are still there after `timeout` seconds.
        """
        record = self.record()
        with suppress(ProcessLookupError):
            if self.alive:
                os.kill(self.supervisor_pid, signal.SIGTERM)
            elif record is not None and record.engine_alive:
                os.kill(record.engine_pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout
        gone = host.wait_for_end(self.supervisor_pid, self.supervisor_mark, timeout)
        if gone and record is not None:
            gone = host.wait_for_end(record.engine_pid, record.engine_mark, deadline - time.monotonic())
        if not gone:
            raise EmulatorError(
                f"The emulator on port {self.port} did not end within {timeout:g} s: "
                f"`kill -9 {self.supervisor_pid}` ends it for certain."
            )
        if self._process is not None:
            self._process.wait()
        self.release()
        remove_tree(str(self.home))

    def release(self) -> None:
        """Let the instance outlive this process: from now on only `stop()`, from anywhere, ends it."""
        if self._owner is not None:
            with suppress(OSError):
                os.write(self._owner, DETACH)
            os.close(self._owner)
            self._owner = None


def start(
    port: int | None = None,
    timeout: float = 60.0,
    *,
    settings: Mapping[str, str] | None = None,
    background: bool = False,
    template: bool | None = None,
    progress: Progress | None = None,
) -> Instance:
    """Start an emulator and return once it answers.

    `port`: None takes a free one. `timeout`: seconds until it must be ready. `settings`: environment
    variables for the engine. `background`: it goes on when this process ends; else it ends with it, however
    that ends. `template`: None forks it from the user's template process if there is one, False does not,
    True also sees to it that there is one for the next start. `progress` is told what is being waited for.

    Raises PortTakenError, AlreadyRunningError, EnvironmentMissingError, StartError.
    """
    say = progress or (lambda _: None)
    template = templates.wanted(template)
    settings = dict(settings or {})
    with listen(port) as listening:
        python = engine_python(say)
        say("Starting the engine")
        launched = launch(python, listening, settings, background, use_template=template is not False)
    instance = Instance(
        launched.port,
        launched.home,
        launched.supervisor_pid,
        host.start_mark(launched.supervisor_pid),
        launched.details,
        launched.process,
        launched.owner,
    )
    try:
        _await_ready(instance, launched.ready, timeout)
    except BaseException:
        with suppress(EmulatorError):
            instance.stop()
        raise
    finally:
        os.close(launched.ready)
    if background:
        instance.release()
    if template:
        templates.keep(python, settings)
    return instance


def _await_ready(instance: Instance, ready: int, timeout: float) -> None:
    """Until the engine writes its line into the pipe `ready`; its end closes the pipe, which ends the wait
    too."""
    deadline = time.monotonic() + timeout
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(ready, selectors.EVENT_READ)
        while not said.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise StartError(
                    f"The engine was not ready within {timeout:g} s: see its last lines, or give it longer.",
                    log_tail(instance.log),
                )
            chunk = os.read(ready, 4096)
            if not chunk:
                host.wait_for_end(instance.supervisor_pid, instance.supervisor_mark, GRACE)
                raise StartError(
                    "The engine ended before it was ready: its last lines say why.", log_tail(instance.log)
                )
            said += chunk
    while instance.alive and not record_path(instance.port).exists():
        time.sleep(0.002)  # the supervisor writes it within milliseconds, far ahead of the engine
    answer = json.loads(said)
    if "failed" in answer:
        raise StartError(str(answer["failed"]), log_tail(instance.log))


def running(port: int | None = None) -> Instance:
    """The living instance on `port`, or (None) the only one there is. NothingRunningError, or EmulatorError
    when several run and none was named."""
    if port is not None:
        record = find(port)
        if record is None:
            raise NothingRunningError(
                f"No emulator runs on port {port}: start one with `mdlc up --port {port}`."
            )
        return Instance.of(record)
    everything = instances()
    if not everything:
        raise NothingRunningError("No emulator is running: start one with `mdlc up`.")
    if len(everything) > 1:
        ports = ", ".join(str(instance.port) for instance in everything)
        raise EmulatorError(f"Several emulators are running, on ports {ports}: name one with --port.")
    return everything[0]


def instances() -> list[Instance]:
    """Every living instance of this user, by port."""
    return [Instance.of(record) for record in living()]
