"""Alarms change state soon after the data of their metric say so."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"
)

SOON = 8.0
"""Seconds; AWS evaluates once a minute, or every ten seconds for periods below a minute."""


def alarm(cloudwatch: Any, namespace: str, name: str, **members: Any) -> None:
    cloudwatch.put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": namespace,
            "MetricName": "Errors",
            "Dimensions": [{"Name": "Of", "Value": "mine"}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 3,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        }
        | members
    )


def put(cloudwatch: Any, namespace: str, value: float, ago: float = 0, of: str = "mine") -> None:
    when = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=ago)
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": "Errors",
                "Dimensions": [{"Name": "Of", "Value": of}],
                "Timestamp": when,
                "Value": value,
            }
        ],
    )


def state(cloudwatch: Any, name: str) -> str:
    [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found["StateValue"])


def test_an_alarm_goes_off_once_its_threshold_is_reached(aws: Aws, unique: Callable[[str], str]) -> None:
    cloudwatch, namespace, name = aws.client("cloudwatch"), unique("Tests"), unique("alarm")
    alarm(cloudwatch, namespace, name)
    put(cloudwatch, namespace, 2)
    eventually(lambda: state(cloudwatch, name) == "OK", within=SOON)
    put(cloudwatch, namespace, 100, of="others")
    put(cloudwatch, namespace, 1)
    eventually(lambda: state(cloudwatch, name) == "ALARM", within=SOON)
    cloudwatch.delete_alarms(AlarmNames=[name])


def test_every_period_must_breach_but_none_is_waited_for(aws: Aws, unique: Callable[[str], str]) -> None:
    """Three minutes of data that are there already are enough: nobody waits for three minutes more."""
    cloudwatch, namespace, name = aws.client("cloudwatch"), unique("Tests"), unique("alarm")
    alarm(cloudwatch, namespace, name, EvaluationPeriods=3, DatapointsToAlarm=3)
    for ago in (150, 90):
        put(cloudwatch, namespace, 5, ago)
    put(cloudwatch, namespace, 1)
    eventually(lambda: state(cloudwatch, name) == "OK", within=SOON)
    put(cloudwatch, namespace, 5)
    eventually(lambda: state(cloudwatch, name) == "ALARM", within=SOON)
    cloudwatch.delete_alarms(AlarmNames=[name])


def test_a_deleted_alarm_is_not_evaluated_and_a_changed_one_is_anew(
    aws: Aws, unique: Callable[[str], str]
) -> None:
    cloudwatch, namespace, name = aws.client("cloudwatch"), unique("Tests"), unique("alarm")
    alarm(cloudwatch, namespace, name, Threshold=1000)
    put(cloudwatch, namespace, 5)
    eventually(lambda: state(cloudwatch, name) == "OK", within=SOON)
    alarm(cloudwatch, namespace, name, Threshold=3)
    eventually(lambda: state(cloudwatch, name) == "ALARM", within=SOON)
    cloudwatch.delete_alarms(AlarmNames=[name])
    put(cloudwatch, namespace, 5)
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []
