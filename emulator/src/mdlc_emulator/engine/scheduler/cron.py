"""AWS's cron expressions: six fields, and the moments they name in a time zone. Pure.

Sources: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

FIRST_YEAR, LAST_YEAR = 1970, 2199
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
# Sunday is 1.
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}


class ExpressionError(ValueError):
    """A schedule expression that means nothing; the message says what is wrong with it."""


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int]

    def number(self, text: str) -> int:
        value = self.names.get(text.upper())
        if value is None:
            if not text.isdigit():
                raise ExpressionError(f"{text!r} is no {self.name}")
            value = int(text)
        if not self.low <= value <= self.high:
            raise ExpressionError(f"{self.name} {text} lies outside {self.low} to {self.high}")
        return value

    def values(self, text: str) -> frozenset[int]:
        """All values that a field of numbers, `*`, ranges, steps and lists names."""
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def _part(self, part: str) -> range:
        base, slash, step_text = part.partition("/")
        if slash and (not step_text.isdigit() or int(step_text) == 0):
            raise ExpressionError(f"{part!r} has no step that counts")
        step = int(step_text) if slash else 1
        if base == "*" or (slash and base == ""):
            return range(self.low, self.high + 1, step)
        if "-" in base:
            first, _, last = base.partition("-")
            low, high = self.number(first), self.number(last)
            if low > high:
                # FRI-MON and 22-2 wrap around.
                raise ExpressionError(f"{part!r} runs backwards")
            return range(low, high + 1, step)
        low = self.number(base)
        return range(low, self.high + 1, step) if slash else range(low, low + 1)


_MINUTE = _Field("minute", 0, 59, {})
_HOUR = _Field("hour", 0, 23, {})
_DAY = _Field("day of month", 1, 31, {})
_MONTH = _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of week", 1, 7, _WEEKDAYS)
_YEAR = _Field("year", FIRST_YEAR, LAST_YEAR, {})


@dataclass(frozen=True)
class Cron:
    """A parsed expression; `days` and `weekdays` keep their text, for L, W and # depend on the month."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: str
    months: frozenset[int]
    weekdays: str
    years: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Cron:
        """The expression inside `cron(...)`."""
        fields = text.split()
        if len(fields) != 6:
            raise ExpressionError(
                f"a cron expression has 6 fields (minutes, hours, day of month, month, day of week, year), "
                f"this has {len(fields)}"
            )
        minutes, hours, days, months, weekdays, years = fields
        if (days == "?") == (weekdays == "?"):
            raise ExpressionError("exactly one of day of month and day of week has to be ?")
        cron = cls(
            _MINUTE.values(minutes),
            _HOUR.values(hours),
            days.upper(),
            _MONTH.values(months),
            weekdays.upper(),
            _YEAR.values(years),
        )
        # January has 31 days and every weekday: what is malformed shows there.
        cron.days_of(2000, 1)
        return cron

    def days_of(self, year: int, month: int) -> list[int]:
        """The days of a month that the expression names, ascending."""
        last = calendar.monthrange(year, month)[1]
        if self.days != "?":
            found = {day for part in self.days.split(",") for day in _month_days(part, year, month, last)}
        else:
            found = {day for part in self.weekdays.split(",") for day in _week_days(part, year, month, last)}
        return sorted(day for day in found if 1 <= day <= last)

    def matches(self, moment: datetime) -> bool:
        """Whether a local time is one the expression names (seconds are ignored)."""
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and moment.month in self.months
            and moment.year in self.years
            and moment.day in self.days_of(moment.year, moment.month)
        )

    def next_after(self, after: datetime, zone: tzinfo) -> datetime | None:
        """The first moment later than `after` (aware), in UTC; None when there is none up to 2199.

        In the hour that a clock skips in spring nothing happens; the one it repeats in autumn counts once.
        """
        # A day earlier is early enough for every zone and every repeated hour.
        start = after.astimezone(zone).date() - timedelta(days=1)
        times = [time(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes)]
        for day in self._dates(start):
            for at in times:
                local = datetime.combine(day, at, zone)
                moment = local.astimezone(UTC)
                # A local time that a clock skips does not come back as itself.
                real = moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
                if moment > after and real:
                    return moment
        return None

    def _dates(self, start: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= start.year):
            for month in sorted(self.months):
                if (year, month) < (start.year, start.month):
                    continue
                for day in self.days_of(year, month):
                    if (found := date(year, month, day)) >= start:
                        yield found


def _weekday(year: int, month: int, day: int) -> int:
    """1 for Sunday to 7 for Saturday."""
    return (calendar.weekday(year, month, day) + 1) % 7 + 1


def _month_days(part: str, year: int, month: int, last: int) -> list[int]:
    if part == "L":
        return [last]
    if part == "LW":
        return [_nearest_workday(year, month, last, last)]
    if match := re.fullmatch(r"(\d{1,2})W", part):
        wanted = _DAY.number(match[1])
        return [_nearest_workday(year, month, wanted, last)] if wanted <= last else []
    return list(_DAY.values(part))


def _nearest_workday(year: int, month: int, day: int, last: int) -> int:
    """The weekday nearest to `day` in the same month."""
    weekday = _weekday(year, month, day)
    if weekday == 7:
        return day - 1 if day > 1 else day + 2
    if weekday == 1:
        return day + 1 if day < last else day - 2
    return day


def _week_days(part: str, year: int, month: int, last: int) -> list[int]:
    if match := re.fullmatch(r"(\w+)#([1-5])", part):
        wanted = _WEEKDAY.number(match[1])
        days = [day for day in range(1, last + 1) if _weekday(year, month, day) == wanted]
        number = int(match[2])
        return days[number - 1 : number]
    if part == "L":
        part = "7"
    elif part.endswith("L") and part[:-1] in (*_WEEKDAYS, *map(str, range(1, 8))):
        wanted = _WEEKDAY.number(part[:-1])
        return [day for day in range(last - 6, last + 1) if _weekday(year, month, day) == wanted]
    chosen = _WEEKDAY.values(part)
    return [day for day in range(1, last + 1) if _weekday(year, month, day) in chosen]
