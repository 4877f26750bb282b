"""Where the outcome of an event goes: destinations (with an invocation record) and dead-letter queues.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localstack.aws.connect import connect_to
from localstack.services.lambda_.api_utils import unqualified_lambda_arn
from localstack.services.lambda_.invocation.lambda_models import EventInvokeConfig, InvocationResult
from localstack.utils.aws.arns import parse_arn, sqs_queue_url_for_arn
from localstack.utils.aws.client_types import ServicePrincipal

from mdlc_emulator.engine.functions.invocation_call import Target
from mdlc_emulator.engine.functions.invocation_event import Event

LOG = logging.getLogger(__name__)
ERROR_MESSAGE_LIMIT = 1024
"""Bytes of the error that a dead letter carries."""
ROLE_SECONDS = 1800.0
_ROLES: dict[tuple[str, str], tuple[float, Any]] = {}


@dataclass(frozen=True, slots=True)
class Record:
    """An invocation record and which of the two destinations it is for."""

    outcome: str
    """`Success` or `Failure`"""
    body: dict[str, Any]


def success(event: Event, target: Target, result: InvocationResult) -> Record:
    body = _record(event, target, "Success") | {
        "responseContext": {"statusCode": 200, "executedVersion": result.executed_version},
        "responsePayload": _decoded(result.payload),
    }
    return Record("Success", body)


def failure(event: Event, target: Target, condition: str, result: InvocationResult | None) -> Record:
    """The record of an event that is given up. `condition` is RetriesExhausted, EventAgeExceeded or
    ZeroReservedConcurrency; `result` is None when the function did not run at the last attempt."""
    body = _record(event, target, condition)
    if result is not None:
        body["responseContext"] = {
            "statusCode": 200,
            "executedVersion": result.executed_version,
            "functionError": getattr(result, "function_error", None) or "Unhandled",
        }
        body["responsePayload"] = _decoded(result.payload)
    return Record("Failure", body)


def deliver(record: Record, settings: EventInvokeConfig | None, target: Target) -> None:
    """Send a record to the destination that the function's settings name for its outcome, if any."""
    config: dict[str, Any] = dict((settings.destination_config if settings else None) or {})
    arn = config.get(f"On{record.outcome}", {}).get("Destination")
    if not arn:
        return
    service = arn.split(":")[2]
    try:
        SENDERS[service](arn, record, target)
    except Exception as error:  # noqa: BLE001 - the destination may be missing: nobody is there to be told but the log
        LOG.warning("The result of %s could not be sent to %s: %s", target.arn, arn, error)


def dead_letter(event: Event, target: Target, result: InvocationResult | None) -> None:
    """Send the event itself to the function's dead-letter queue or topic, if it has one."""
    arn = target.version.config.dead_letter_arn
    if not arn:
        return
    body = event.call.payload.decode()
    message = _decoded(result.payload) if result else None
    text = str(message.get("errorMessage", "")) if isinstance(message, dict) else ""
    code = "200" if result else "429"
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": event.call.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": code},
        "ErrorMessage": {
            "DataType": "String",
            "StringValue": text.encode()[:ERROR_MESSAGE_LIMIT].decode(errors="ignore") or "Not invoked",
        },
    }
    clients = _clients(target, arn)
    try:
        if arn.split(":")[2] == "sns":
            clients.sns.publish(TopicArn=arn, Message=body, MessageAttributes=attributes)
        else:
            clients.sqs.send_message(
                QueueUrl=sqs_queue_url_for_arn(arn), MessageBody=body, MessageAttributes=attributes
            )
    except Exception as error:  # noqa: BLE001 - as above
        LOG.warning("The event %s could not be sent to %s: %s", event.call.request_id, arn, error)


def _record(event: Event, target: Target, condition: str) -> dict[str, Any]:
    identifier = target.version.id
    arn = f"{unqualified_lambda_arn(identifier.function_name, identifier.account, identifier.region)}"
    arn += f":{event.qualifier}"
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": event.call.request_id,
            "functionArn": arn,
            "condition": condition,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": json.loads(event.call.payload),
    }


def _decoded(payload: bytes | None) -> Any:
    try:
        return json.loads(payload or b"null")
    except ValueError:
        return (payload or b"").decode(errors="replace")


def forget_roles() -> None:
    """Assume every role anew."""
    _ROLES.clear()


def _clients(target: Target, arn: str) -> Any:
    """Clients in the destination's region, as the function's role."""
    key = (target.version.config.role, parse_arn(arn)["region"] or target.version.id.region)
    found = _ROLES.get(key)
    if found is None or found[0] < time.monotonic():
        made = connect_to.with_assumed_role(
            role_arn=key[0],
            service_principal=ServicePrincipal.lambda_,  # type: ignore[arg-type]
            region_name=key[1],
        )
        found = (time.monotonic() + ROLE_SECONDS, made)
        _ROLES[key] = found
    return found[1]


def _to_sqs(arn: str, record: Record, target: Target) -> None:
    _clients(target, arn).sqs.send_message(
        QueueUrl=sqs_queue_url_for_arn(arn), MessageBody=json.dumps(record.body)
    )


def _to_sns(arn: str, record: Record, target: Target) -> None:
    _clients(target, arn).sns.publish(TopicArn=arn, Message=json.dumps(record.body))


def _to_lambda(arn: str, record: Record, target: Target) -> None:
    _clients(target, arn).lambda_.invoke(
        FunctionName=arn, InvocationType="Event", Payload=json.dumps(record.body).encode()
    )


def _to_eventbridge(arn: str, record: Record, target: Target) -> None:
    answer = _clients(target, arn).events.put_events(
        Entries=[
            {
                "EventBusName": arn.rsplit("/", 1)[-1],
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {record.outcome}",
                "Resources": [arn, record.body["requestContext"]["functionArn"]],
                "Detail": json.dumps(record.body),
            }
        ]
    )
    if answer.get("FailedEntryCount"):
        raise RuntimeError(str(answer["Entries"]))


def _to_s3(arn: str, record: Record, target: Target) -> None:
    now = datetime.now(UTC)
    name = target.version.id.function_name
    _clients(target, arn).s3.put_object(
        Bucket=arn.rsplit(":", 1)[-1],
        Key=f"aws/lambda/async/{name}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}",
        Body=json.dumps(record.body).encode(),
        ContentType="application/json",
    )


SENDERS: dict[str, Callable[[str, Record, Target], None]] = {
    "sqs": _to_sqs,
    "sns": _to_sns,
    "lambda": _to_lambda,
    "events": _to_eventbridge,
    "s3": _to_s3,
}
