"""When alarms are evaluated: soon after the data say so, and regularly without data.

LocalStack looks at an alarm once in Period x EvaluationPeriods, so that an alarm over three minutes goes off
up to three minutes late. CloudWatch evaluates every minute (alarms of 10 and 30 seconds: every 10 seconds),
over the same periods:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html. Here every arrival of
an alarm's metric asks for an evaluation once the second of that data is over, and time alone for one every
ten seconds. What an evaluation says is LocalStack's.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from localstack.services.cloudwatch import alarm_scheduler
from localstack.services.cloudwatch.alarm_scheduler import AlarmScheduler

LOG = logging.getLogger(__name__)

REGULARLY = 10.0
"""Seconds between two evaluations of an alarm whose metric gets no data."""

SETTLED = 0.05
"""Seconds after the end of a second at which its data are looked at: a period's end is exclusive."""


class Metric(NamedTuple):
    """What data and alarms have in common; dimensions are left to the evaluation."""

    account: str
    region: str
    namespace: str
    name: str


class PromptAlarms(AlarmScheduler):
    """LocalStack's scheduler with other times."""

    def __init__(self) -> None:
        super().__init__()
        self._due: dict[str, float] = {}
        self._watching: dict[Metric, set[str]] = {}
        self._changed = threading.Condition()
        self._running = False

    def start(self) -> None:
        """Nothing runs before there is an alarm."""

    def shutdown(self) -> None:
        """Evaluate nothing any more."""
        with self._changed:
            self._running = False
            self._due.clear()
            self._watching.clear()
            self._changed.notify_all()

    def schedule_metric_alarm(self, alarm_arn: str) -> None:
        """Watch an alarm that is new or has changed."""
        details = alarm_scheduler.get_metric_alarm_details_for_alarm_arn(alarm_arn)
        self.delete_scheduler_for_alarm(alarm_arn)
        if not details or not self._is_alarm_supported(details):
            LOG.warning("Alarm %s is kept but not evaluated: its kind is not known here", alarm_arn)
            return
        _, _, _, region, account, _ = alarm_arn.split(":", 5)
        metric = Metric(account, region, details.get("Namespace") or "", details["MetricName"] or "")
        with self._changed:
            self._watching.setdefault(metric, set()).add(alarm_arn)
            self._due[alarm_arn] = time.time()
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="cloudwatch-alarms", daemon=True).start()
            self._changed.notify_all()

    def delete_scheduler_for_alarm(self, alarm_arn: str) -> None:
        """The alarm is no more."""
        with self._changed:
            self._due.pop(alarm_arn, None)
            for arns in self._watching.values():
                arns.discard(alarm_arn)

    def data_came(self, account: str, region: str, namespace: str, data: Iterable[Any]) -> None:
        """Data were put: alarms over these metrics are due when this second is over."""
        if not self._watching:
            return
        due = math.floor(time.time()) + 1 + SETTLED
        with self._changed:
            for name in {datum["MetricName"] for datum in data}:
                for arn in self._watching.get(Metric(account, region, namespace, name), ()):
                    if self._due.get(arn, due) >= due:
                        self._due[arn] = due
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._running:
                    return
                now = time.time()
                arn = min(self._due, key=lambda each: self._due[each], default=None)
                if arn is None or self._due[arn] > now:
                    self._changed.wait(None if arn is None else self._due[arn] - now)
                    continue
                self._due[arn] = now + REGULARLY
            try:
                alarm_scheduler.calculate_alarm_state(arn)
            except Exception:
                LOG.exception("Alarm %s could not be evaluated", arn)
