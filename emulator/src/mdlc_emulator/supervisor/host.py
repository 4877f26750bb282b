"""What we ask of the operating system: the one module that knows Linux, each call with its fallback
elsewhere."""

# ruff: noqa: PTH208, PTH115 - names under /proc are compared as they are, hundreds at a time
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LINUX = sys.platform == "linux"
_PR_SET_CHILD_SUBREAPER = 36
_LISTENING = "0A"
_LONGEST_SOCKET_NAME = 100


def become_subreaper() -> bool:
    """From now on the orphans among this process's descendants become its own children, to be found and
    reaped here. False where the system has no such thing (macOS): orphans then go to process 1."""
    if not LINUX:
        return False
    answer: int = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return answer == 0


def start_mark(pid: int) -> str | None:
    """When the process `pid` started, in a form only fit for comparing; None when there is none (a zombie
    counts as none). A pid alone is no identity: the system gives it again to others."""
    if LINUX:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def is_same(pid: int, mark: str | None) -> bool:
    """Whether `pid` is still the process whose `start_mark` was `mark`."""
    return mark is not None and start_mark(pid) == mark


def wait_for_end(pid: int, mark: str | None, seconds: float) -> bool:
    """Wait until the process of that pid and start mark is gone; False when `seconds` were not enough."""
    deadline = time.monotonic() + seconds
    if LINUX and is_same(pid, mark):
        with suppress(OSError):
            handle = os.pidfd_open(pid)
            try:
                select.select([handle], [], [], max(0.0, seconds))
            finally:
                os.close(handle)
    while is_same(pid, mark):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True


def _parents() -> dict[int, int]:
    """pid -> parent's pid of every process that can be seen."""
    if not LINUX:
        rows = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False
        ).stdout
        return {int(pid): int(parent) for pid, parent in (row.split() for row in rows.splitlines())}
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError):
                stat = Path(f"/proc/{entry}/stat").read_text()
                parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    return parents


def descendants(pid: int) -> list[int]:
    """Every living or dead-but-unreaped process below `pid`, parents before their children."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents().items():
        children.setdefault(parent, []).append(child)
    found = list(children.get(pid, []))
    for child in found:  # grows while it is walked
        found += children.get(child, [])
    return found


def kill_descendants(pid: int, spare: frozenset[int] = frozenset()) -> None:
    """SIGKILL to everything below `pid` but `spare`, again until nothing new has been born meanwhile."""
    killed: set[int] = set()
    while fresh := [child for child in descendants(pid) if child not in killed and child not in spare]:
        for child in fresh:
            killed.add(child)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)


def kill_strays(home: str) -> None:
    """Where orphans cannot be adopted: SIGKILL to every process whose command line names the directory
    `home`."""
    if LINUX:
        return
    rows = subprocess.run(
        ["ps", "-A", "-o", "pid=,command="], capture_output=True, text=True, check=False
    ).stdout
    for row in rows.splitlines():
        pid, _, command = row.strip().partition(" ")
        if home in command and int(pid) != os.getpid():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(pid), signal.SIGKILL)


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """The name to bind or connect a unix socket at `path` by: those names end at some 100 bytes, and Linux
    has a way around. ValueError elsewhere."""
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_NAME:
        yield str(path)
        return
    if not LINUX:
        raise ValueError(f"{path} is too long a name for a unix socket")
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for row in Path(table).read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def holder_of(port: int) -> tuple[int, str] | None:
    """(pid, name) of the process listening on TCP `port`; None when that cannot be read (another user's
    process, or no /proc)."""
    if not LINUX:
        return None
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for entry in os.listdir("/proc") if wanted else []:
        if not entry.isdigit():
            continue
        with suppress(OSError):
            for handle in os.listdir(f"/proc/{entry}/fd"):
                with suppress(OSError):
                    if os.readlink(f"/proc/{entry}/fd/{handle}") in wanted:
                        return int(entry), Path(f"/proc/{entry}/comm").read_text().strip()
    return None
