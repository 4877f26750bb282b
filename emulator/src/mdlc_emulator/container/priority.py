"""How much of the processors a container gets: niceness, affinity, open files."""

from __future__ import annotations

import resource

BACKGROUND = 10
"""Niceness of what may wait: it weighs a ninth of what need not."""


def session_weighs_less(pid: int) -> bool:
    """Let the session of the process `pid` weigh less: where the kernel groups processes by session (man 7
    sched, autogroup), niceness alone counts only among those of one session. False when it is to be tried
    again: an ordinary user may do this ten times a second, all users together."""
    try:
        with open(f"/proc/{pid}/autogroup", "w") as file:
            file.write(str(BACKGROUND))
    except BlockingIOError:
        return False
    except OSError:
        pass  # no such grouping here, or the process is gone
    return True


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
