"""When a schedule fires next: laws of rate, cron and at, and AWS's own examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.scheduler.cron import Cron, ExpressionError
from mdlc_emulator.engine.scheduler.expressions import next_fire, parse, zone_of

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
]

moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
steps = st.integers(1, 30)


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """A cron field: *, a number, a range, a list or a step."""
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.lists(number, min_size=1, max_size=4).map(lambda many: ",".join(map(str, many))),
        st.tuples(number, steps).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )


@st.composite
def crons(draw: st.DrawFn) -> str:
    minutes, hours, months = draw(field(0, 59)), draw(field(0, 23)), draw(field(1, 12))
    by_day = draw(st.booleans())
    # The 28th is in every month: no expression is empty.
    days = draw(st.one_of(field(1, 28), st.sampled_from(["L", "LW", "15W"]))) if by_day else "?"
    weekdays = (
        "?" if by_day else draw(st.one_of(field(1, 7), st.sampled_from(["L", "2#1", "FRIL", "MON-FRI"])))
    )
    return f"{minutes} {hours} {days} {months} {weekdays} *"


@given(crons(), moments, st.sampled_from(ZONES))
def test_the_next_time_of_a_cron_is_later_and_matches_every_field(
    text: str, after: datetime, zone: str
) -> None:
    cron = Cron.parse(text)
    found = cron.next_after(after, ZoneInfo(zone))
    assert found is not None
    assert found > after
    assert cron.matches(found.astimezone(ZoneInfo(zone)))


@given(crons(), moments)
def test_no_minute_between_now_and_the_next_time_matches(text: str, after: datetime) -> None:
    cron = Cron.parse(text)
    found = cron.next_after(after, UTC)
    assert found is not None
    minute = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(200):
        if minute >= found:
            break
        assert not cron.matches(minute)
        minute += timedelta(minutes=1)


@given(crons(), moments, st.sampled_from(ZONES))
def test_fires_come_in_order_and_asking_from_one_gives_the_following(
    text: str, after: datetime, zone: str
) -> None:
    cron, where = Cron.parse(text), ZoneInfo(zone)
    first = cron.next_after(after, where)
    assert first is not None
    second = cron.next_after(first, where)
    assert second is not None
    assert second > first
    assert cron.next_after(first - timedelta(microseconds=1), where) == first


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        # The examples of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
        ("0 10 * * ? *", "2026-03-02T10:00:00", "2026-03-03T10:00:00"),
        ("15 12 * * ? *", "2026-03-02T00:00:00", "2026-03-02T12:15:00"),
        ("0 18 ? * MON-FRI *", "2026-03-06T18:00:00", "2026-03-09T18:00:00"),
        ("0 8 1 * ? *", "2026-03-01T08:00:00", "2026-04-01T08:00:00"),
        ("0/15 * * * ? *", "2026-03-01T08:16:00", "2026-03-01T08:30:00"),
        ("0/10 * ? * MON-FRI *", "2026-03-06T23:55:00", "2026-03-09T00:00:00"),
        ("0/5 8-17 ? * MON-FRI *", "2026-03-02T17:55:00", "2026-03-03T08:00:00"),
        ("0 9 ? * 2#1 *", "2026-03-03T00:00:00", "2026-04-06T09:00:00"),
        ("0 0 L * ? *", "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        ("0 0 LW * ? *", "2026-02-01T00:00:00", "2026-02-27T00:00:00"),
        ("0 0 1W * ? *", "2026-07-31T00:00:00", "2026-08-03T00:00:00"),
        ("15 10 ? * 6L 2026-2027", "2026-11-01T00:00:00", "2026-11-27T10:15:00"),
        ("0 0 29 2 ? *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
    ],
)
def test_documented_cron_expressions(text: str, after: str, expected: str) -> None:
    found = Cron.parse(text).next_after(datetime.fromisoformat(after).replace(tzinfo=UTC), UTC)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_the_hour_that_spring_skips_is_skipped() -> None:
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
    berlin = ZoneInfo("Europe/Berlin")
    eve = datetime(2026, 3, 28, 12, tzinfo=UTC)
    found = Cron.parse("30 2 * * ? *").next_after(eve, berlin)
    assert found == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


def test_the_hour_that_autumn_repeats_counts_once() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = Cron.parse("30 2 * * ? *").next_after(datetime(2026, 10, 24, 12, tzinfo=UTC), berlin)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = Cron.parse("30 2 * * ? *").next_after(first, berlin)
    assert second == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_an_expression_whose_years_are_over_has_no_next_time() -> None:
    assert Cron.parse("0 0 1 1 ? 2020").next_after(datetime(2026, 1, 1, tzinfo=UTC), UTC) is None


@given(st.integers(1, 500), st.sampled_from(["minute", "hour", "day"]), st.floats(0, 1e8), st.floats(0, 1e8))
def test_a_rate_fires_at_whole_steps_from_its_base(count: int, unit: str, made: float, lag: float) -> None:
    rate = parse(f"rate({count} {unit}{'s' if count > 1 else ''})")
    seconds = count * {"minute": 60, "hour": 3600, "day": 86400}[unit]
    after = made + lag
    found = next_fire(rate, after, made=made, start=None, end=None)
    assert found is not None
    assert after < found <= after + seconds + 1e-3
    steps = (found - made) / seconds
    assert abs(steps - round(steps)) < 1e-3


def test_a_rate_begins_at_its_start_and_ends_with_its_end() -> None:
    rate = parse("rate(1 hour)")
    assert next_fire(rate, 0, made=0, start=10_000, end=None) == 10_000
    assert next_fire(rate, 10_000, made=0, start=10_000, end=13_000) is None


def test_a_cron_waits_for_its_start() -> None:
    daily = parse("cron(0 0 * * ? *)")
    start = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    assert next_fire(daily, 0, made=0, start=start, end=None) == start


def test_at_is_local_to_its_zone_and_fires_once() -> None:
    moment = datetime(2026, 7, 1, 10, 0, tzinfo=UTC).timestamp()
    once = parse("at(2026-07-01T12:00:00)", zone_of("Europe/Berlin"))
    assert next_fire(once, moment - 1, made=0, start=None, end=None) == moment
    assert next_fire(once, moment, made=0, start=None, end=None) is None


@pytest.mark.parametrize(
    "text",
    [
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(5 weeks)",
        "cron(* * * * * *)",
        "cron(0 0 ? * ? *)",
        "cron(60 0 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 * 13 ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 * * ?)",
        "cron(0/0 0 * * ? *)",
        "at(2026-02-30T00:00:00)",
        "at(tomorrow)",
        "every day",
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ExpressionError):
        zone_of("Mars/Olympus")
