"""Retry policies and dead-letter queues of EventBridge's targets, which LocalStack leaves out.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

import copy
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from localstack.aws.connect import connect_to
from localstack.services.events.target import TargetSender
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import get_queue_url

from mdlc_emulator.engine import clock

LOG = logging.getLogger(__name__)

DEFAULT_RETRIES = 185
DEFAULT_AGE_SECONDS = 86400
_THROTTLES = ("Throttling", "TooManyRequests", "LimitExceeded", "Throughput", "ServiceUnavailable")

type Process = Callable[..., Any]


@dataclass
class _Delivery:
    """An event on its way to one target; `attempt` counts from 1."""

    sender: TargetSender
    event: Any
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    begun: float
    attempt: int = 1


def install() -> None:
    stock = vars(TargetSender).get("process_event")
    if stock is None:
        raise RuntimeError("TargetSender.process_event is gone: this LocalStack cannot be patched.")

    def process_event(sender: TargetSender, event: Any, *arguments: Any, **options: Any) -> None:
        _try(stock, _Delivery(sender, event, arguments, options, clock.now()))

    setattr(TargetSender, "process_event", process_event)  # noqa: B010


def _try(process: Process, delivery: _Delivery) -> None:
    try:
        process(delivery.sender, copy.deepcopy(delivery.event), *delivery.arguments, **delivery.options)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the event must not be lost
        _after_failure(process, delivery, error)


def _after_failure(process: Process, delivery: _Delivery, error: Exception) -> None:
    """Try again what may pass by itself; anything else goes to the dead-letter queue at once."""
    target: Any = delivery.sender.target
    policy = target.get("RetryPolicy") or {}
    retries = policy.get("MaximumRetryAttempts", DEFAULT_RETRIES)
    age = policy.get("MaximumEventAgeInSeconds", DEFAULT_AGE_SECONDS)
    pause = min(60.0, 0.5 * 2.0 ** min(delivery.attempt - 1, 10))
    exhausted: str | None = None
    if _retryable(error):
        if delivery.attempt > retries:
            exhausted = "MaximumRetryAttempts"
        elif clock.now() + pause - delivery.begun > age:
            exhausted = "MaximumEventAgeInSeconds"
        else:
            delivery.attempt += 1
            clock.call_at(clock.now() + pause, lambda: _try(process, delivery))
            return
    LOG.info("The target %s of %s took no event: %s", target["Arn"], delivery.sender.rule_arn, error)
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue:
        _bury(delivery, error, exhausted, queue)


def _retryable(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return False
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 500)
    code = error.response["Error"].get("Code", "")
    return status >= 500 or status == 429 or any(word in code for word in _THROTTLES)


def _bury(delivery: _Delivery, error: Exception, exhausted: str | None, queue: str) -> None:
    code = type(error).__name__
    message = str(error)
    if isinstance(error, ClientError):
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", message)
    attributes = {
        "RULE_ARN": delivery.sender.rule_arn,
        "TARGET_ARN": delivery.sender.target["Arn"],
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message or code,
        "RETRY_ATTEMPTS": str(delivery.attempt - 1),
    }
    if exhausted is not None:
        attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
    parts = queue.split(":")
    client = connect_to(aws_access_key_id=parts[4], region_name=parts[3]).sqs
    body = {key: value for key, value in delivery.event.items() if key != "event-bus-name"}
    client.send_message(
        QueueUrl=get_queue_url(queue),
        MessageBody=json.dumps(body, default=str),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )
