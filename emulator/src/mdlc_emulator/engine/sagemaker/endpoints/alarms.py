"""CloudWatch alarms as a deployment watches them.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html: an alarm that goes
off during a baking period rolls the deployment back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.clients import client
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid

LOOK_EVERY = 0.25
"""Seconds between two looks at the alarms."""


def alarm_names(deployment: dict[str, Any]) -> list[str]:
    """The alarms that a DeploymentConfig names."""
    alarms = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", ())
    return [alarm["AlarmName"] for alarm in alarms]


def check_alarms(caller: Caller, names: Sequence[str]) -> None:
    """ValidationException when an alarm is not there."""
    if missing := set(names) - {alarm["AlarmName"] for alarm in _described(caller, names)}:
        raise invalid(f"Alarm(s) {', '.join(sorted(missing))} could not be found in this account and region.")


def gone_off(caller: Caller, names: Sequence[str]) -> list[str]:
    """Those of the alarms that are in state ALARM."""
    return [alarm["AlarmName"] for alarm in _described(caller, names) if alarm["StateValue"] == "ALARM"]


def _described(caller: Caller, names: Sequence[str]) -> list[dict[str, Any]]:
    if not names:
        return []
    answer = client("cloudwatch", caller).describe_alarms(
        AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
