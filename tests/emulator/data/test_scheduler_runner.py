"""Schedules fire, retry, expire and go away, driven by a clock that stands still between steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.clock import ManualClock
from mdlc_emulator.engine.scheduler.operations import Schedules
from mdlc_emulator.engine.scheduler.runner import Firing, Runner, TargetError
from mdlc_emulator.engine.scheduler.schedule import ScheduleStore

from tests.waiting import eventually

START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
CALLER = Caller("000000000000", "us-east-1")
TARGET = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/r"}


@dataclass
class RecordedTargets:
    """Targets that write down what they were given; `fails` says how an attempt ends."""

    invoked: list[tuple[str, float, int]] = field(default_factory=list)
    buried: list[tuple[str, str | None]] = field(default_factory=list)
    fails: Callable[[Firing], TargetError | None] = lambda firing: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, firing: Firing) -> None:
        with self.lock:
            self.invoked.append((firing.schedule.name, firing.scheduled - START, firing.attempt))
        error = self.fails(firing)
        if error is not None:
            raise error

    def bury(self, firing: Firing, error: TargetError, exhausted: str | None) -> None:
        with self.lock:
            self.buried.append((error.code, exhausted))


@dataclass
class Desk:
    time: ManualClock
    targets: RecordedTargets
    schedules: Schedules

    def create(self, name: str, expression: str, **more: Any) -> None:
        self.schedules.create(
            CALLER,
            {
                "Name": name,
                "ScheduleExpression": expression,
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": TARGET,
            }
            | more,
        )

    def sees(self, count: int) -> list[tuple[str, float, int]]:
        eventually(lambda: len(self.targets.invoked) >= count, within=5)
        return self.targets.invoked

    def exists(self, name: str) -> bool:
        return bool(self.schedules.list(CALLER, {"NamePrefix": name})["Schedules"])


@pytest.fixture
def desk() -> Iterator[Desk]:
    before, time = clock.clock(), ManualClock(START)
    clock.use_clock(time)
    store, targets = ScheduleStore(), RecordedTargets()
    runner = Runner(store, targets)
    yield Desk(time, targets, Schedules(store, runner))
    runner.stop()
    clock.use_clock(before)


def test_a_rate_without_a_start_fires_at_once_and_then_in_steps(desk: Desk) -> None:
    desk.create("r", "rate(5 minutes)")
    desk.time.advance(601)
    assert sorted(desk.sees(3)) == [("r", 0, 1), ("r", 300, 1), ("r", 600, 1)]


def test_once_and_then_deleted(desk: Desk) -> None:
    desk.create("once", "at(2026-01-01T00:10:00)", ActionAfterCompletion="DELETE")
    desk.time.advance(599)
    assert desk.targets.invoked == []
    desk.time.advance(1)
    assert desk.sees(1) == [("once", 600, 1)]
    assert not desk.exists("once")


def test_once_and_kept(desk: Desk) -> None:
    desk.create("kept", "at(2026-01-01T00:10:00)")
    desk.time.advance(7200)
    assert desk.sees(1) == [("kept", 600, 1)]
    assert desk.exists("kept")


def test_a_recurring_schedule_with_an_end_is_deleted_after_its_last_time(desk: Desk) -> None:
    end = datetime(2026, 1, 1, 2, 30, tzinfo=UTC)
    desk.create("till", "cron(0 * * * ? *)", EndDate=end, ActionAfterCompletion="DELETE")
    desk.time.advance(10 * 3600)
    assert sorted(desk.sees(2)) == [("till", 3600, 1), ("till", 7200, 1)]
    assert not desk.exists("till")


def test_a_flexible_window_delays_within_it_and_always_alike(desk: Desk) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    fired: list[float] = []
    desk.targets.fails = lambda firing: fired.append(desk.time.now() - START)  # type: ignore[func-returns-value]
    desk.create("wide", "at(2026-01-01T01:00:00)", FlexibleTimeWindow=window)
    for _ in range(16):
        desk.time.advance(300)
        if desk.time.now() - START >= 4500:
            break
    assert desk.sees(1) == [("wide", 3600, 1)]
    schedule = desk.schedules._store.find(CALLER, "wide", None)
    delay = schedule.delay(START + 3600)
    assert 0 <= delay < 900
    assert delay == schedule.delay(START + 3600)


def test_a_disabled_schedule_does_not_fire_until_it_is_enabled(desk: Desk) -> None:
    desk.create("off", "rate(1 hour)", State="DISABLED")
    desk.time.advance(7300)
    assert desk.targets.invoked == []
    desk.schedules.update(
        CALLER,
        {
            "Name": "off",
            "ScheduleExpression": "rate(1 hour)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": TARGET,
        },
    )
    desk.time.advance(3600)
    assert desk.sees(1) == [("off", 10_800, 1)]


def test_a_changed_schedule_fires_by_its_new_expression_only(desk: Desk) -> None:
    desk.create("moved", "at(2026-01-01T00:10:00)")
    desk.schedules.update(
        CALLER,
        {
            "Name": "moved",
            "ScheduleExpression": "at(2026-01-01T00:20:00)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": TARGET,
        },
    )
    desk.time.advance(3600)
    assert desk.sees(1) == [("moved", 1200, 1)]


def test_a_deleted_schedule_does_not_fire(desk: Desk) -> None:
    desk.create("gone", "at(2026-01-01T00:10:00)")
    desk.schedules.delete(CALLER, {"Name": "gone"})
    desk.time.advance(3600)
    assert desk.targets.invoked == []


def test_a_throttled_target_is_tried_again_until_the_retries_are_used_up(desk: Desk) -> None:
    desk.targets.fails = lambda firing: TargetError("Throttling", "slow down", retryable=True)
    desk.create(
        "busy", "at(2026-01-01T00:10:00)", Target=TARGET | {"RetryPolicy": {"MaximumRetryAttempts": 2}}
    )
    desk.time.advance(600)
    for attempt in (1, 2, 3):
        assert desk.sees(attempt)[-1] == ("busy", 600, attempt)
        eventually(lambda: desk.time._agenda.soonest() is not None or desk.targets.buried, within=5)
        desk.time.advance(120)
    eventually(lambda: desk.targets.buried == [("Throttling", "MaximumRetryAttempts")], within=5)


def test_what_can_never_succeed_is_buried_at_once(desk: Desk) -> None:
    desk.targets.fails = lambda firing: TargetError("NonExistentQueue", "gone", retryable=False)
    desk.create("lost", "at(2026-01-01T00:10:00)")
    desk.time.advance(600)
    eventually(lambda: desk.targets.buried == [("NonExistentQueue", None)], within=5)
    assert len(desk.targets.invoked) == 1


def test_a_long_past_time_does_not_fire_and_a_just_past_one_does(desk: Desk) -> None:
    desk.create("old", "at(2025-12-31T00:00:00)")
    desk.create("late", "at(2025-12-31T23:59:30)")
    desk.time.advance(1)
    assert desk.sees(1) == [("late", -30, 1)]


def test_names_are_apart_by_account_and_region(desk: Desk) -> None:
    desk.create("same", "at(2026-01-01T00:10:00)")
    with pytest.raises(AwsError):
        desk.create("same", "at(2026-01-01T00:10:00)")
    for other in (Caller("111111111111", "us-east-1"), Caller("000000000000", "eu-west-1")):
        with pytest.raises(AwsError):
            desk.schedules.get(other, {"Name": "same"})
