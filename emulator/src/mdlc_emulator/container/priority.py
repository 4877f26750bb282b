"""How much of the processors a container gets: niceness, affinity, open files."""

from __future__ import annotations

import resource
import time

ALL, BACKGROUND = 5, 10
"""Niceness of all containers together against the emulator, and of those that may wait against the others."""


def weigh_session(niceness: int) -> None:
    """Let the whole session of this process weigh less: where the kernel groups processes by session
    (man 7 sched, autogroup), niceness alone would only count among those of one session. An ordinary user
    may set this ten times a second, all users together."""
    tries = 0
    while tries < 5 and _is_too_often(niceness):
        tries += 1
        time.sleep(0.03)


def _is_too_often(niceness: int) -> bool:
    try:
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(niceness))
    except BlockingIOError:
        return True
    except OSError:
        pass  # no such grouping here
    return False


def limit_open_files(count: int | None) -> None:
    """At most `count` open files, or as many as the system lets us; no core files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if count is not None:
        limit = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
