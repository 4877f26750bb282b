"""How one batch of a stream is brought to a function: retried, cut down, given up. Pure.

Source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"


class Delivered(NamedTuple):
    """One record on its way. `position` is its place in the log, `event` what the function receives."""

    position: int
    sequence: str
    arrived: float
    event: dict[str, Any]


@dataclass(frozen=True)
class Policy:
    """What a mapping says about failures; -1 means without end."""

    retries: int = -1
    oldest_seconds: float = -1
    bisect: bool = False
    report_failures: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one invocation.

    `failed`: None for success, else the sequence numbers that failed, empty when the batch failed as a whole.
    `counts`: False when the function was not run at all (throttled, being made), which is no attempt.
    `context`: requestContext and responseContext of an invocation record, as far as known.
    """

    failed: frozenset[str] | None = None
    counts: bool = True
    context: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Part:
    """A stretch of a batch that is still to be delivered."""

    records: Sequence[Delivered]
    failures: int = 0
    invocations: int = 0
    refusals: int = 0
    context: dict[str, Any] = field(default_factory=dict)


type Invoke = Callable[[Sequence[Delivered]], Outcome]
# (records, why, how often they were tried, context of the last try)
type GiveUp = Callable[[Sequence[Delivered], str, int, dict[str, Any]], None]


def backoff(failures: int) -> float:
    """Seconds before the next try: 0.1, 0.2, 0.4, ... up to 10."""
    return min(10.0, 0.1 * 2.0 ** min(max(failures, 1) - 1, 10))


def deliver(
    batch: Sequence[Delivered],
    policy: Policy,
    *,
    invoke: Invoke,
    give_up: GiveUp,
    commit: Callable[[int], None],
    now: Callable[[], float],
    pause: Callable[[float], bool],
) -> bool:
    """Bring `batch` to its function, in order, until every record was taken or given up.

    `commit(position)` is called whenever everything before `position` is settled. `pause(seconds)` waits and
    says whether to go on. Returns False when it was told to stop: what is not committed has to come again.
    """
    parts = [_Part(batch)]
    while parts:
        part = parts.pop()
        part = _without_the_old(part, policy, give_up, commit, now())
        if not part.records:
            continue
        tries = part.failures + part.refusals
        if not pause(backoff(tries) if tries else 0.0):
            return False
        outcome = invoke(part.records)
        if not outcome.counts:
            part.refusals += 1
            parts.append(part)
            continue
        part.invocations += 1
        part.refusals = 0
        part.context = outcome.context
        if outcome.failed is None:
            commit(part.records[-1].position + 1)
            continue
        parts += _after_failure(part, outcome.failed, policy, commit)
        last = parts[-1]
        if 0 <= policy.retries < last.failures:
            parts.pop()
            give_up(last.records, RETRIES_EXHAUSTED, last.invocations, last.context)
            commit(last.records[-1].position + 1)
    return True


def _without_the_old(
    part: _Part, policy: Policy, give_up: GiveUp, commit: Callable[[int], None], now: float
) -> _Part:
    if policy.oldest_seconds < 0:
        return part
    edge = now - policy.oldest_seconds
    old = [record for record in part.records if record.arrived < edge]
    if old:
        # Records arrive in order, so the old ones are the first.
        give_up(old, TOO_OLD, part.invocations, part.context)
        commit(old[-1].position + 1)
        part.records = part.records[len(old) :]
    return part


def _after_failure(
    part: _Part, failed: frozenset[str], policy: Policy, commit: Callable[[int], None]
) -> list[_Part]:
    """What is left to deliver, the first stretch last."""
    records = part.records
    first = next((at for at, record in enumerate(records) if record.sequence in failed), 0)
    if policy.report_failures and failed and first > 0:
        # The lowest failed number is the checkpoint: what lies before it is done, the rest comes again.
        commit(records[first - 1].position + 1)
        return [_Part(records[first:], 0, part.invocations, 0, part.context)]
    if policy.bisect and len(records) > 1 and not (policy.report_failures and failed):
        middle = len(records) // 2
        # Splitting a batch does not count against the retry quota.
        return [
            _Part(half, part.failures, 0, 0, part.context) for half in (records[middle:], records[:middle])
        ]
    part.failures += 1
    return [part]
