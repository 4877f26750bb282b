"""Schedules and their groups, kept apart by account and region. Pure."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.scheduler.expressions import Expression

DEFAULT_GROUP = "default"


@dataclass(eq=False)
class Schedule:
    """One schedule. `definition` holds what was given, as GetSchedule returns it."""

    arn: str
    name: str
    group: str
    caller: Caller
    definition: dict[str, Any]
    expression: Expression
    made: float
    changed: float
    start: float | None
    end: float | None
    fired: float | None = None

    @property
    def enabled(self) -> bool:
        return bool(self.definition.get("State", "ENABLED") == "ENABLED")

    @property
    def window_seconds(self) -> int:
        window = self.definition["FlexibleTimeWindow"]
        return int(window.get("MaximumWindowInMinutes", 0)) * 60 if window["Mode"] == "FLEXIBLE" else 0

    def delay(self, scheduled: float) -> float:
        """How long after `scheduled` a flexible window lets it fire: the same for the same schedule and "
        "time."""
        if not self.window_seconds:
            return 0.0
        digest = hashlib.sha256(f"{self.arn}|{scheduled:.0f}".encode()).digest()
        return float(int.from_bytes(digest[:8]) % self.window_seconds)


@dataclass(eq=False)
class Group:
    """A group of schedules."""

    arn: str
    name: str
    made: float
    changed: float
    tags: dict[str, str] = field(default_factory=dict)


class ScheduleStore:
    """Every group and schedule, by account and region."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._groups: dict[Caller, dict[str, Group]] = {}
        self._schedules: dict[Caller, dict[tuple[str, str], Schedule]] = {}

    def groups(self, caller: Caller, now: float) -> dict[str, Group]:
        """The groups of an account in a region; `default` is always there."""
        with self.lock:
            groups = self._groups.setdefault(caller, {})
            if DEFAULT_GROUP not in groups:
                groups[DEFAULT_GROUP] = Group(group_arn(caller, DEFAULT_GROUP), DEFAULT_GROUP, now, now)
            return groups

    def schedules(self, caller: Caller) -> dict[tuple[str, str], Schedule]:
        """(group, name) -> schedule; a live dictionary."""
        with self.lock:
            return self._schedules.setdefault(caller, {})

    def all(self) -> list[Schedule]:
        with self.lock:
            return [schedule for known in self._schedules.values() for schedule in known.values()]

    def find(self, caller: Caller, name: str, group: str | None) -> Schedule:
        try:
            return self.schedules(caller)[group or DEFAULT_GROUP, name]
        except KeyError:
            raise AwsError(
                "ResourceNotFoundException", f"Schedule {name} does not exist.", status=404
            ) from None

    def group(self, caller: Caller, name: str, now: float) -> Group:
        try:
            return self.groups(caller, now)[name]
        except KeyError:
            raise AwsError(
                "ResourceNotFoundException", f"Schedule group {name} does not exist.", status=404
            ) from None

    def clear(self) -> None:
        with self.lock:
            self._groups.clear()
            self._schedules.clear()


def group_arn(caller: Caller, name: str) -> str:
    return f"arn:aws:scheduler:{caller.region}:{caller.account}:schedule-group/{name}"


def schedule_arn(caller: Caller, group: str, name: str) -> str:
    return f"arn:aws:scheduler:{caller.region}:{caller.account}:schedule/{group}/{name}"
