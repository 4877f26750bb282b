"""How much memory the processes of an environment hold, as the kernel counts it."""

import os
import sys

PAGE = os.sysconf("SC_PAGE_SIZE")
LINUX = sys.platform == "linux"


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, nearest first."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        try:
            with open(f"/proc/{parent}/task/{parent}/children", "rb") as file:  # noqa: PTH123 - many times a second
                children = [int(word) for word in file.read().split()]
        except OSError:
            continue
        found += children
        waiting += children
    return found


def resident(pids: list[int]) -> int:
    """Bytes of resident memory that these processes hold together; a process that is gone holds none."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - many times a second
                total += int(file.read().split(b" ", 2)[1]) * PAGE
        except (OSError, IndexError):
            continue
    return total


def peak(pid: int) -> int:
    """The most resident memory, in bytes, that process `pid` ever held; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123 - at every call
            status = file.read()
    except OSError:
        return 0
    at = status.find(b"VmHWM:")
    return int(status[at + 6 : status.index(b"kB", at)]) * 1024 if at >= 0 else 0
