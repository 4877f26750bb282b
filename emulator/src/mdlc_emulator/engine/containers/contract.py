"""What a job or a model server is given to run in, and what can be asked of it while it runs.

Training, processing, transform, endpoints and Batch all speak to this module and to nothing below it. A
container here is a process tree with a place of its own, not an image: what it runs comes from an image's
recipe.
"""

import enum
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class Network(enum.Enum):
    """What a container reaches, and from where it is reached."""

    HOST = "host"
    """The machine's own network."""
    PRIVATE = "private"
    """A network of its own: `ports` are reachable through `Container.connect`, and the emulator's endpoint
    from inside at its usual address. What speaks HTTP gets out through a proxy, which HTTP_PROXY and
    HTTPS_PROXY name inside unless `environment` says otherwise."""
    ISOLATED = "isolated"
    """A network of its own: `ports` are reachable through `Container.connect`, nothing is from inside."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the machine, shown inside at the absolute path `target`."""

    source: Path
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container to start.

    `command` is looked up in the PATH of `environment`, which is the whole environment: nothing of the
    emulator's own is passed on. `ml` is the host's directory that becomes /opt/ml, writable; the caller makes
    it, fills it, and removes it. /tmp, the hosts file with `host_name`, and what is written anywhere else
    are the container's own and vanish with it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ml: Path | None = None
    mounts: Sequence[Mount] = ()
    working_directory: str = "/"
    host_name: str = "algo-1"
    hosts: Mapping[str, str] = field(default_factory=dict)
    """More names of the hosts file, and their addresses; `host_name` may be among them, and is 127.0.0.1
    otherwise."""
    network: Network = Network.HOST
    ports: Sequence[int] = ()
    memory_mib: int | None = None
    """More resident memory than this, all processes together, ends the container as out of memory."""
    cpus: float | None = None
    """Share of the machine's processors, as a quota."""
    shared_memory_mib: int | None = None
    open_files: int | None = None
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Limits of each process, (soft, hard) by the name that setrlimit(2) has for them, in lower case and
    without RLIMIT_; clamped to what the machine allows. `open_files` stands for "nofile"."""
    read_only_root: bool = False
    """Only /opt/ml, /tmp, /dev/shm and mounts can be written to."""
    user: str | None = None
    """Who the command runs as, as `uid`, `uid:gid` or a name the machine knows; None: root. ContainerError
    where the emulator's own user may not give it."""
    background: bool = True
    """Yields the processors to the emulator and to containers that are not in the background. False for
    model servers."""


class Ending(enum.Enum):
    """Why a container is no more."""

    EXITED = "exited"
    STOPPED = "stopped"
    """Ended after `stop` was called."""
    OUT_OF_MEMORY = "out-of-memory"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended: `code` as a shell says it (128 + signal when a signal ended it)."""

    code: int
    ending: Ending
    at: float
    """Seconds since the epoch, by the engine's clock."""


class ContainerError(Exception):
    """A container could not be started. The message says what is wrong and what to do."""


class Container(Protocol):
    """One container that has been started. Every method may be called from any thread, also after the end."""

    @property
    def name(self) -> str: ...

    @property
    def process_id(self) -> int:
        """Of the first process, as the machine numbers it; 0 when it ended before anybody could look. To be
        shown, not to be signalled: `stop` does that."""
        ...

    def wait(self, timeout: float | None = None) -> Exit | None:
        """How it ended, with all its output delivered before; None when it has not within `timeout`
        seconds."""
        ...

    def when_over(self, call: Callable[[Exit], None]) -> None:
        """Call `call` once, in a thread of its own, when it has ended; at once when it has already."""
        ...

    def stop(self, grace: float) -> None:
        """SIGTERM to the first process now, SIGKILL to all after `grace` seconds. Returns at once."""
        ...

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A stream to `port` inside. OSError while nothing listens there."""
        ...

    def memory_mib(self) -> float:
        """Resident memory of all its processes at this moment; 0 after the end."""
        ...

    def processor_seconds(self) -> float:
        """Processor time used by all its processes so far."""
        ...


class Containers(Protocol):
    """Starts containers. There is one in the engine: `mdlc_emulator.engine.containers.host.containers()`."""

    def start(self, spec: ContainerSpec, on_line: Callable[[str], None]) -> Container:
        """Start a container; `on_line` gets its standard output and error, line by line without the line
        end, from one thread and in order. ContainerError when it cannot be started."""
        ...

    def isolation(self) -> tuple[str, str]:
        """("namespaces" | "base-directory", why it is not namespaces or "")."""
        ...

    def stop_all(self) -> None:
        """Kill everything that is still running: the emulator ends."""
        ...
