"""A job queue as the target of an EventBridge rule, which LocalStack refuses.

What the rule's target says (BatchParameters) is what the job is made of; an event that was transformed into
`{"Parameters": ..., "ContainerOverrides": ...}` adds to it.

Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_BatchParameters.html and
https://docs.aws.amazon.com/batch/latest/userguide/batch-cwe-target.html
"""

import json
from collections.abc import Mapping
from typing import Any

from localstack.services.events.models import ValidationException
from localstack.services.events.rule import RuleService
from localstack.services.events.target import TargetSender, TargetSenderFactory


class BatchSender(TargetSender):
    """Submits a job for each event."""

    def send_event(self, event: Any, trace_header: Any) -> None:
        self.client.submit_job(**job_request(self.arn, dict(self.target), event))


def job_request(queue_arn: str, target: dict[str, Any], event: Any) -> dict[str, Any]:
    """The SubmitJob request for `event` (an object, or text that may be JSON)."""
    given = target["BatchParameters"]
    request: dict[str, Any] = {
        "jobName": given["JobName"],
        "jobDefinition": given["JobDefinition"],
        "jobQueue": queue_arn,
    }
    if size := (given.get("ArrayProperties") or {}).get("Size"):
        request["arrayProperties"] = {"size": size}
    if attempts := (given.get("RetryStrategy") or {}).get("Attempts"):
        request["retryStrategy"] = {"attempts": attempts}
    if isinstance(event, str):
        try:
            event = json.loads(event)
        except ValueError:
            event = {}
    if not isinstance(event, dict):
        return request
    if parameters := event.get("Parameters"):
        request["parameters"] = {key: _text(value) for key, value in parameters.items()}
    if overrides := event.get("ContainerOverrides"):
        request["containerOverrides"] = _lower(overrides)
    return request


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _lower(value: Any) -> Any:
    """Members of the API begin with a small letter, in rules they may begin with a capital."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_lower(each) for each in value]
    return value


def check(target: Mapping[str, Any]) -> None:
    """ValidationException for a job queue without what a job is made of."""
    if not target["Arn"].startswith("arn:") or target["Arn"].split(":")[2] != "batch":
        return
    given = target.get("BatchParameters") or {}
    for member in ("JobDefinition", "JobName"):
        if not given.get(member):
            raise ValidationException(
                f"BatchParameters.{member} must be specified for target {target['Id']}."
            )


def install() -> None:
    TargetSenderFactory.register_target_sender("batch", BatchSender)
    stock = vars(RuleService).get("add_targets")
    if stock is None:
        raise RuntimeError("RuleService.add_targets is gone: this LocalStack cannot be patched.")

    def add_targets(service: RuleService, targets: Any) -> Any:
        for target in targets:
            check(target)
        return stock(service, targets)

    setattr(RuleService, "add_targets", add_targets)  # noqa: B010
