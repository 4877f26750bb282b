"""What the processes of a container use and how they are ended, seen from its first process."""

from __future__ import annotations

import os
import resource
import signal

from mdlc_emulator.supervisor import host

_PAGE = resource.getpagesize()
_TICKS = os.sysconf("SC_CLK_TCK")


class Processes:
    """All processes below this one. `alone`: this is the first process of a process namespace, so that
    everything it can see is its own."""

    def __init__(self, alone: bool) -> None:
        self._alone = alone

    def ids(self) -> list[int]:
        """All but ourselves."""
        if self._alone:
            me = os.getpid()
            return [pid for name in os.listdir("/proc") if name.isdigit() and (pid := int(name)) != me]
        return host.descendants(os.getpid())

    def resident(self, exact: bool = False) -> int:
        """Bytes of memory of all of them. What several share counts for each of them, unless `exact`, which
        costs the kernel a walk through all their pages."""
        return sum((_proportional(pid) if exact else _resident(pid)) for pid in self.ids())

    def seconds(self) -> float:
        """Processor time of those that live and those that have ended."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return ended.ru_utime + ended.ru_stime + sum(map(_seconds, self.ids()))

    def kill(self) -> None:
        """SIGKILL to all of them; returns once they are reaped."""
        while True:
            if self._alone:
                try:
                    os.kill(-1, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            else:
                host.kill_descendants(os.getpid())
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return _resident(pid)


def _seconds(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS
