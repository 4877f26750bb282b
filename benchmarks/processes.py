"""What a tree of processes uses, read from /proc (Linux)."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")
_MB = 1024


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; the name before them may hold spaces and brackets."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def tree(roots: Iterable[int]) -> set[int]:
    """The living processes among `roots` and all that descend from them."""
    children: dict[int, list[int]] = {}
    alive = set()
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = _stat(int(entry.name))
        except OSError:
            continue
        if fields[0] == "Z":
            continue
        alive.add(int(entry.name))
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, ()))
    return found & alive


@dataclass(frozen=True)
class Usage:
    """Of a set of processes: `rss` and `pss` in MB (PSS counts a page shared by n processes 1/n to each),
    `cpu` in seconds of user and system time since each began, ended children included."""

    rss: float
    pss: float
    cpu: float


def usage(pids: Iterable[int]) -> Usage:
    """Processes that end meanwhile count nothing."""
    rss = pss = cpu = 0.0
    for pid in pids:
        try:
            for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name == "Rss":
                    rss += int(rest.split()[0]) / _MB
                elif name == "Pss":
                    pss += int(rest.split()[0]) / _MB
            cpu += sum(int(ticks) for ticks in _stat(pid)[11:15]) / _TICK
        except OSError:
            continue
    return Usage(rss, pss, cpu)
