"""The schedules of EventBridge rules, driven by the engine's clock.

LocalStack looks once a minute whether a rule is due within the next, turns rates into cron fields (`rate(7
minutes)` then counts anew every hour), and never takes a job back: a changed rule fires by its old schedule
too. Here a rate counts from the rule's making, and a job ends with its rule.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from localstack.services.events import provider, rule
from localstack.services.events.models import Rule, events_stores

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.scheduler.cron import ExpressionError
from mdlc_emulator.engine.scheduler.expressions import At, Expression, next_fire, parse

LOG = logging.getLogger(__name__)

type Send = Callable[[], Any]


class RuleSchedules:
    """One timer for each scheduled rule."""

    def __init__(self) -> None:
        self._stopped = False

    def start(self) -> "RuleSchedules":
        self._stopped = False
        return self

    def shutdown(self) -> None:
        self._stopped = True

    def keep(self, watched: Rule, send: Send) -> None:
        """Call `send` whenever the schedule of `watched` says so, while the rule exists and is enabled."""
        made = clock.now()
        self._watch(watched, send, parse(watched.schedule_expression or ""), made, made)

    def _watch(self, watched: Rule, send: Send, expression: Expression, made: float, after: float) -> None:
        due = next_fire(expression, after, made=made, start=None, end=None)
        if due is not None:
            clock.call_at(due, lambda: self._fire(watched, send, expression, made, due))

    def _fire(self, watched: Rule, send: Send, expression: Expression, made: float, due: float) -> None:
        if self._stopped or not _exists(watched):
            return
        self._watch(watched, send, expression, made, due)
        if watched.state != "DISABLED":
            threading.Thread(target=_run, args=(send,), name="rule-schedule", daemon=True).start()


SCHEDULES = RuleSchedules()


def _exists(watched: Rule) -> bool:
    bus = events_stores[watched.account_id][watched.region].event_buses.get(watched.event_bus_name)
    return bus is not None and bus.rules.get(watched.name) is watched


def _run(send: Send) -> None:
    try:
        send()
    except Exception:
        LOG.exception("A scheduled rule could not be sent.")


def install() -> None:
    """Put ours in the place of LocalStack's scheduler; before its events provider is made."""
    for owner, name in (
        (provider, "JobScheduler"),
        (rule, "convert_schedule_to_cron"),
        (rule.RuleService, "create_schedule_job"),
    ):
        if not hasattr(owner, name):
            raise RuntimeError(f"{owner.__name__}.{name} is gone: this LocalStack cannot be patched.")
    vars(provider)["JobScheduler"] = SCHEDULES
    vars(rule)["convert_schedule_to_cron"] = _checked
    setattr(rule.RuleService, "create_schedule_job", _create_schedule_job)  # noqa: B010


def _create_schedule_job(service: rule.RuleService, send: Send) -> None:
    SCHEDULES.keep(service.rule, send)


def _checked(expression: str) -> str:
    """`expression` itself, for ours parses it; ValueError, as LocalStack expects, when it means nothing."""
    try:
        if isinstance(parse(expression), At):
            raise ExpressionError("a rule has no at(...)")
    except ExpressionError as error:
        raise ValueError(str(error)) from error
    return expression
