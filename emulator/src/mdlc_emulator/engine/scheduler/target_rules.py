"""What may be the target of a schedule. Pure.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError

_UNIVERSAL = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:([a-zA-Z0-9]+):([a-zA-Z0-9]+)")
# Service part of the ARN -> API operation, of the templated targets that this emulator invokes.
TEMPLATED = {
    "lambda": "Invoke",
    "sqs": "SendMessage",
    "sns": "Publish",
    "states": "StartExecution",
    "events": "PutEvents",
    "kinesis": "PutRecord",
    "firehose": "PutRecord",
}
# Operations that only read are no targets.
_READING = (
    "get",
    "describe",
    "list",
    "poll",
    "receive",
    "search",
    "scan",
    "query",
    "select",
    "read",
    "lookup",
    "discover",
    "validate",
    "batchGet",
    "batchDescribe",
    "batchRead",
    "transactGet",
    "adminGet",
    "adminList",
    "testMigration",
    "retrieve",
    "translateDocument",
    "isAuthorized",
    "invokeModel",
)


def universal(arn: str) -> tuple[str, str] | None:
    """(service, action) of a universal target; None for any other ARN."""
    match = _UNIVERSAL.fullmatch(arn)
    return None if match is None else (match[1], match[2])


def check_target(target: dict[str, Any]) -> None:
    """Refuse a target that a schedule cannot have."""
    arn: str = target["Arn"]
    found = universal(arn)
    if found is not None:
        _check_universal(*found, target)
        return
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service not in TEMPLATED:
        raise _invalid(
            f"Provided Arn is not in correct format or not a target of this emulator: {arn}. "
            "Use a universal target, arn:aws:scheduler:::aws-sdk:service:apiAction, instead."
        )
    if service == "events" and "EventBridgeParameters" not in target:
        raise _invalid("EventBridgeParameters must be set for an EventBridge target.")
    if service == "kinesis" and "KinesisParameters" not in target:
        raise _invalid("KinesisParameters must be set for a Kinesis target.")
    if (
        service == "sqs"
        and arn.endswith(".fifo")
        and not (target.get("SqsParameters") or {}).get("MessageGroupId")
    ):
        raise _invalid("SqsParameters with a MessageGroupId must be set for a FIFO queue.")
    if (
        service in ("lambda", "states", "events")
        and target.get("Input") is not None
        and not _json(target["Input"])
    ):
        raise _invalid("Invalid target Input: it has to be JSON for this target.")


def _check_universal(service: str, action: str, target: dict[str, Any]) -> None:
    if any(re.match(rf"{verb}([A-Z]|$)", action) for verb in _READING):
        raise _invalid(f"{service}:{action} is not a supported target: operations that only read are none.")
    if target.get("Input") is not None and not _json(target["Input"]):
        raise _invalid("Invalid target Input: a universal target takes the parameters of the API as JSON.")


def _json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
