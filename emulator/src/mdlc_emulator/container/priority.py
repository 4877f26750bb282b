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


def limit(limits: dict[str, list[int]]) -> None:
    """`limits` of this process, [soft, hard] by setrlimit's names without RLIMIT_, clamped to what the system
    lets us; without a word about them no core files."""
    for name, (soft, hard) in {"CORE": [0, 0], **limits}.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        most = _finite(resource.getrlimit(kind)[1])
        top = min(_finite(hard), most)
        resource.setrlimit(kind, (_number(min(_finite(soft), top)), _number(top)))


def _finite(value: int) -> float:
    return float("inf") if value in (-1, resource.RLIM_INFINITY) else value


def _number(value: float) -> int:
    return resource.RLIM_INFINITY if value == float("inf") else int(value)
