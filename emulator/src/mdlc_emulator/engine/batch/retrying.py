"""Whether a failed attempt is tried again: attempts and `evaluateOnExit`. Pure.

Source: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_EvaluateOnExit.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdlc_emulator.engine.batch.errors import invalid

ATTEMPTS_AT_MOST = 10
CONDITIONS_AT_MOST = 5
_TEXT = re.compile(r"[A-Za-z0-9.:\s]{0,511}(?:[A-Za-z0-9.:\s]|\*)")
_CODE = re.compile(r"[0-9]{0,511}(?:[0-9]|\*)")
_MEMBERS = (("onStatusReason", _TEXT), ("onReason", _TEXT), ("onExitCode", _CODE))


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt failed, as its record says it."""

    status_reason: str | None = None
    reason: str | None = None
    exit_code: int | None = None


def retries(strategy: Mapping[str, Any], attempt: int, ended: Ended) -> bool:
    """Whether attempt number `attempt` (from 1), which failed as `ended` says, is followed by another.

    The first condition that matches decides; none that matches means another try.
    """
    if attempt >= strategy.get("attempts", 1):
        return False
    for condition in strategy.get("evaluateOnExit") or ():
        if matches(condition, ended):
            return str(condition["action"]).upper() == "RETRY"
    return True


def matches(condition: Mapping[str, Any], ended: Ended) -> bool:
    """Whether every pattern that `condition` has fits."""
    code = None if ended.exit_code is None else str(ended.exit_code)
    pairs = (
        (condition.get("onStatusReason"), ended.status_reason),
        (condition.get("onReason"), ended.reason),
        (condition.get("onExitCode"), code),
    )
    return all(_fits(pattern, value) for pattern, value in pairs if pattern is not None)


def _fits(pattern: str, value: str | None) -> bool:
    if value is None:
        return False
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value == pattern


def check_strategy(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """`strategy` as Batch keeps it; ClientException for one that it refuses."""
    attempts = strategy.get("attempts")
    conditions: Sequence[Mapping[str, Any]] = strategy.get("evaluateOnExit") or ()
    if attempts is None:
        raise invalid("RetryAttempts must be provided with retry strategy")
    if not 1 <= attempts <= ATTEMPTS_AT_MOST:
        raise invalid(f"RetryAttempts must be between 1 and {ATTEMPTS_AT_MOST}")
    if len(conditions) > CONDITIONS_AT_MOST:
        raise invalid(f"EvaluateOnExit can have at most {CONDITIONS_AT_MOST} conditions")
    return {"attempts": attempts, "evaluateOnExit": [_checked(each) for each in conditions]}


def _checked(condition: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for member, pattern in _MEMBERS:
        value = condition.get(member)
        if value is None:
            continue
        if not pattern.fullmatch(value):
            raise invalid(f"{member} '{value}' does not match regex")
        kept[member] = value
    if not kept:
        raise invalid("EvaluateOnExit must have one of onStatusReason, onReason or onExitCode")
    action = str(condition["action"]).upper()
    if action not in ("RETRY", "EXIT"):
        raise invalid("EvaluateOnExit action must be RETRY or EXIT")
    return kept | {"action": action}
