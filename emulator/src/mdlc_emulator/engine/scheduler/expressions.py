"""Schedule expressions: `rate(...)`, `cron(...)`, `at(...)`. Pure: when does one fire next?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mdlc_emulator.engine.scheduler.cron import Cron, ExpressionError

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
# A one-time schedule has a precision of 60 seconds: this late it still counts as on time.
LATE_SECONDS = 60


@dataclass(frozen=True)
class Rate:
    """Every `seconds` from a base on; the base itself is the first time."""

    seconds: int

    def next_after(self, after: float, base: float) -> float:
        if after < base:
            return base
        return base + (int((after - base) // self.seconds) + 1) * self.seconds


@dataclass(frozen=True)
class At:
    """Once."""

    moment: float

    def next_after(self, after: float) -> float | None:
        return self.moment if self.moment > after else None


@dataclass(frozen=True)
class CronIn:
    """A cron expression in a time zone."""

    cron: Cron
    zone: tzinfo

    def next_after(self, after: float) -> float | None:
        found = self.cron.next_after(datetime.fromtimestamp(after, UTC), self.zone)
        return None if found is None else found.timestamp()


type Expression = Rate | At | CronIn


def zone_of(name: str | None) -> tzinfo:
    """The time zone called `name` (IANA), UTC without one."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ExpressionError(f"{name!r} is no time zone of the IANA database") from None


def parse(text: str, zone: tzinfo = UTC) -> Expression:
    """The expression that `text` writes; ExpressionError says what is wrong with it."""
    if match := re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", text):
        count = int(match[1])
        if count < 1:
            raise ExpressionError("the value of a rate is at least 1")
        if (count == 1) == bool(match[3]):
            raise ExpressionError("1 goes with minute, hour or day; more go with minutes, hours or days")
        return Rate(count * _UNITS[match[2]])
    if match := re.fullmatch(r"cron\((.*)\)", text):
        return CronIn(Cron.parse(match[1]), zone)
    if match := re.fullmatch(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", text):
        try:
            return At(datetime.fromisoformat(match[1]).replace(tzinfo=zone).timestamp())
        except ValueError:
            raise ExpressionError(f"{match[1]} is no date") from None
    raise ExpressionError("expected rate(value unit), cron(fields) or at(yyyy-mm-ddThh:mm:ss)")


def next_fire(
    expression: Expression, after: float, *, made: float, start: float | None, end: float | None
) -> float | None:
    """When a schedule fires next, later than `after`; None: never again.

    `made` is when the schedule was made (the base of a rate without a start date); `start` and `end` bound
    recurring schedules and mean nothing to one-time ones. All in seconds since the epoch.
    """
    if isinstance(expression, At):
        return expression.next_after(after)
    if isinstance(expression, Rate):
        found: float | None = expression.next_after(after, made if start is None else start)
    else:
        found = expression.next_after(after if start is None else max(after, start - 0.001))
    if found is None or (end is not None and found > end):
        return None
    return found
