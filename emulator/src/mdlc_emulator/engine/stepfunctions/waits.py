"""Wait and Retry: they end with the execution, and read the engine's clock and whole timestamps.

The stock interpreter sleeps through a stop when it retries, compares timestamps with local time, and knows no
offsets but Z.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from localstack.services.stepfunctions.asl.component.common.retry.max_attempts_decl import MaxAttemptsOutcome
from localstack.services.stepfunctions.asl.component.common.retry.retrier_decl import RetrierDecl
from localstack.services.stepfunctions.asl.component.common.retry.retrier_outcome import RetrierOutcome
from localstack.services.stepfunctions.asl.component.state.state_wait.wait_function.timestamp import Timestamp
from localstack.services.stepfunctions.asl.component.state.state_wait.wait_function.wait_function import (
    WaitFunction,
)

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.stepfunctions.failures import execution_failure
from mdlc_emulator.engine.stepfunctions.halting import pause
from mdlc_emulator.engine.stepfunctions.patching import replace
from mdlc_emulator.engine.stepfunctions.stock import FailureEventException, StatesErrorNameType

# https://states-language.net/spec.html#timestamps: RFC 3339, "T" and "Z" in upper case
_TIMESTAMP = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$")

# Seconds; observed on AWS.
_LONGEST = 2**31 - 1


def moment_of(text: Any) -> datetime.datetime | None:
    """The moment that an RFC 3339 timestamp names; None when `text` is none."""
    if not isinstance(text, str) or not _TIMESTAMP.match(text):
        return None
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return None


def install() -> None:
    replace(WaitFunction, "_wait_interval", lambda self, env, wait_seconds: pause(env, wait_seconds))
    replace(Timestamp, "_from_timestamp_string", staticmethod(moment_of))
    replace(Timestamp, "_get_wait_seconds", _until)
    replace(RetrierDecl, "_eval_body", _retry)


def _until(self: Any, env: Any) -> float:
    self.string.eval(env=env)
    text = env.stack.pop()
    moment = moment_of(text)
    if moment is None:
        raise FailureEventException(self._create_failure_event(env, text))
    seconds = moment.timestamp() - clock.now()
    if seconds > _LONGEST:
        raise execution_failure(env, StatesErrorNameType.StatesRuntime, "Wait state delay is too long.")
    return seconds


def _retry(self: Any, env: Any) -> None:
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    self.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for part in (self.interval_seconds, self.backoff_rate, self.max_delay_seconds, self.jitter_strategy):
        part.eval(env=env)
    pause(env, env.stack.pop())
    env.stack.append(RetrierOutcome.Executed)
