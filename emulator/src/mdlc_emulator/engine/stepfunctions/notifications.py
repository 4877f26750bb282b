"""Execution status changes for EventBridge.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html: standard workflows only.
The stock interpreter sends each over HTTP to its own gateway while StartExecution waits.
"""

from __future__ import annotations

from typing import Any

from localstack.aws.api.stepfunctions import StateMachineType
from localstack.services.stepfunctions.backend.execution import Execution

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.state_changes import Courier
from mdlc_emulator.engine.stepfunctions.patching import replace
from mdlc_emulator.engine.stepfunctions.redrive import described
from mdlc_emulator.engine.stepfunctions.values import text_of

_courier = Courier("aws.states")


def install() -> None:
    replace(Execution, "publish_execution_status_change_event", _publish)


def _publish(self: Any) -> None:
    if self.sm_type == StateMachineType.STANDARD:
        _courier.announce(Caller(self.account_id, self.region_name), lambda: _entry(self))


def _redrive(self: Any) -> dict[str, Any]:
    members = described(self)
    date = members.get("redriveDate")
    return {
        "redriveCount": members["redriveCount"],
        "redriveDate": None if date is None else round(date.timestamp() * 1000),
        "redriveStatus": members["redriveStatus"],
        "redriveStatusReason": members.get("redriveStatusReason"),
    }


def _entry(self: Any) -> dict[str, Any]:
    moment = {
        name: None if date is None else round(date.timestamp() * 1000)
        for name, date in (("startDate", self.start_date), ("stopDate", self.stop_date))
    }
    output = None if self.output is None else text_of(self.output)
    detail = {
        "executionArn": self.exec_arn,
        "stateMachineArn": self.state_machine_arn,
        "stateMachineVersionArn": self.state_machine_version_arn,
        "stateMachineAliasArn": self.state_machine_alias_arn,
        "name": self.name,
        "status": self.exec_status,
        **moment,
        **_redrive(self),
        "input": text_of(self.input_data),
        "inputDetails": {"included": True},
        "output": output,
        "outputDetails": None if output is None else {"included": True},
        "error": self.error,
        "cause": self.cause,
    }
    return {
        "Resources": [self.exec_arn],
        "DetailType": "Step Functions Execution Status Change",
        "Detail": text_of(detail),
    }
