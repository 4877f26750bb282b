"""A container's share of the processors: a quota where control groups can be made, else whole processors."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time

PREFIX = "mdlc-"
PERIOD = 100_000
LIGHT = {"cpu.shares": 256, "cpu.weight": 25}
"""Against 1024 and 100 of everything else: niceness does not count between groups."""


class Groups:
    """Makes a control group of processors for each container that has a quota. `parent` is "" where none can
    be made: then a container is bound to as many processors as its quota, rounded up, begins."""

    def __init__(self) -> None:
        self._prefix = f"{PREFIX}{os.getpid()}-"
        self.parent, self._second = _parent()
        self._next = 0
        self._sweep()

    def enter(self, name: str, cpus: float | None, background: bool) -> None:
        """Limit this process, and what will be below it, to `cpus` processors."""
        if cpus is None:
            return
        if self.parent and self._enter_group(name, cpus, background):
            return
        if not hasattr(os, "sched_setaffinity"):
            return
        # A child knows by its parent's counter how many were bound before it.
        present = sorted(os.sched_getaffinity(0))
        count = min(math.ceil(cpus), len(present))
        first = self._next % len(present)
        os.sched_setaffinity(0, (present + present)[first : first + count])

    def passed(self, cpus: float | None) -> None:
        """Another container was given processors: the next one begins behind them."""
        self._next += 0 if cpus is None else math.ceil(cpus)

    def _enter_group(self, name: str, cpus: float, background: bool) -> bool:
        path = self._path(name)
        try:
            os.mkdir(path)
            if self._second:
                _write(f"{path}/cpu.max", f"{max(1000, int(cpus * PERIOD))} {PERIOD}")
            else:
                _write(f"{path}/cpu.cfs_period_us", str(PERIOD))
                _write(f"{path}/cpu.cfs_quota_us", str(max(1000, int(cpus * PERIOD))))
            if background:
                weight = "cpu.weight" if self._second else "cpu.shares"
                _write(f"{path}/{weight}", str(LIGHT[weight]))
            _write(f"{path}/cgroup.procs", str(os.getpid()))
        except OSError:
            return False
        return True

    def remove(self, name: str) -> None:
        """The group of a container that has ended, if there is one."""
        path = self._path(name)
        tries = 0
        while self.parent and os.path.isdir(path) and not _removed(path) and tries < 50:
            tries += 1  # its last process is not quite gone
            time.sleep(0.01)

    def end(self) -> None:
        """Kill what is in our groups, and remove them."""
        names = _listed(self.parent, self._prefix)
        for name in names:
            for pid in _members(f"{self.parent}/{name}"):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        for name in names:
            self.remove(name.removeprefix(self._prefix))

    def _path(self, name: str) -> str:
        return f"{self.parent}/{self._prefix}{name}"

    def _sweep(self) -> None:
        """Remove what others left that were killed."""
        for name in _listed(self.parent, PREFIX):
            if not os.path.exists(f"/proc/{name.split('-')[1]}"):
                _removed(f"{self.parent}/{name}")


def _removed(path: str) -> bool:
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


def _listed(parent: str, prefix: str) -> list[str]:
    return [name for name in os.listdir(parent) if name.startswith(prefix)] if parent else []


def _members(path: str) -> list[int]:
    try:
        with open(f"{path}/cgroup.procs") as file:
            return [int(line) for line in file]
    except OSError:
        return []


def _parent() -> tuple[str, bool]:
    """(the directory in which groups with a quota can be made, whether they are of the second version), or
    ("", False)."""
    for second, place in _candidates():
        trial = f"{place}/{PREFIX}{os.getpid()}-trial"
        try:
            os.mkdir(trial)
        except OSError:
            continue
        try:
            _write(f"{trial}/cpu.max" if second else f"{trial}/cpu.cfs_quota_us", "max" if second else "-1")
            return place, second
        except OSError:
            continue
        finally:
            os.rmdir(trial)
    return "", False


def _candidates() -> list[tuple[bool, str]]:
    """Where groups might be made: of the first version, below our own; of the second, beside our own, since
    a group with processes has none below it that share out processors."""
    try:
        with open("/proc/self/cgroup") as file:
            own = [line.rstrip("\n").split(":", 2) for line in file]
        with open("/proc/self/mountinfo") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return []
    found = []
    for mount in mounts:
        kind, options = mount[mount.index("-") + 1], mount[-1].split(",")
        for number, controllers, path in own:
            if kind == "cgroup2" and number == "0":
                found.append((True, os.path.normpath(f"{mount[4]}/{os.path.dirname(path)}")))
            elif kind == "cgroup" and "cpu" in options and "cpu" in controllers.split(","):
                found.append((False, os.path.normpath(f"{mount[4]}/{path}")))
    return found


def _write(path: str, text: str) -> None:
    # Without O_CREAT: a controller that is not there has no such file.
    number = os.open(path, os.O_WRONLY)
    try:
        os.write(number, text.encode())
    finally:
        os.close(number)
