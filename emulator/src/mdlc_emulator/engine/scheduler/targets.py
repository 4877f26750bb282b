"""The targets of schedules, called through LocalStack's own clients."""

import json
import uuid
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session
from localstack.aws.connect import connect_to
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import get_queue_url

from mdlc_emulator.engine.scheduler.runner import Firing, TargetError
from mdlc_emulator.engine.scheduler.target_rules import TEMPLATED, universal

# Names that universal targets use where botocore has another.
_SERVICES = {
    "sfn": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "elasticloadbalancingv2": "elbv2",
    "sagemakerruntime": "sagemaker-runtime",
    "ecrpublic": "ecr-public",
}
_CLIENTS = {"states": "stepfunctions"}
_THROTTLES = (
    "Throttling",
    "TooManyRequests",
    "LimitExceeded",
    "Throughput",
    "SlowDown",
    "ServiceUnavailable",
)


class AwsTargets:
    """Invokes templated and universal targets in the schedule's account and region."""

    def invoke(self, firing: Firing) -> None:
        service, operation, request = _call(firing)
        client = _client(firing, service)
        try:
            method = getattr(client, xform_name(operation))
            answer = method(**request)
        except ClientError as error:
            details = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            code = details.get("Code", "Unknown")
            retryable = status >= 500 or status == 429 or any(word in code for word in _THROTTLES)
            raise TargetError(code, details.get("Message", str(error)), retryable=retryable) from error
        except BotoCoreError as error:
            raise TargetError(type(error).__name__, str(error), retryable=False) from error
        if answer.get("FailedEntryCount") or answer.get("FailedRecordCount"):
            raise TargetError("PartialFailure", json.dumps(answer, default=str), retryable=True)

    def bury(self, firing: Firing, error: TargetError, exhausted: str | None) -> None:
        target = firing.schedule.definition["Target"]
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        try:
            _, _, request = _call(firing)
        except TargetError:
            request = {"Input": target.get("Input")}
        attributes = {
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": error.message or error.code,
            "EXECUTION_ID": firing.id,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(firing.attempt - 1),
            "SCHEDULED_TIME": firing.scheduled_text,
            "SCHEDULE_ARN": firing.schedule.arn,
            "TARGET_ARN": target["Arn"],
        }
        if exhausted is not None:
            attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
        _client(firing, "sqs", queue).send_message(
            QueueUrl=get_queue_url(queue),
            MessageBody=json.dumps(request, default=_text),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )


def _client(firing: Firing, service: str, arn: str | None = None) -> Any:
    account, region = firing.schedule.caller
    parts = (arn or firing.schedule.definition["Target"]["Arn"]).split(":")
    if len(parts) > 4 and parts[3] and parts[4].isdigit():
        region, account = parts[3], parts[4]
    return connect_to(aws_access_key_id=account, region_name=region).get_client(service)


def _call(firing: Firing) -> tuple[str, str, dict[str, Any]]:
    """(botocore service, operation, parameters) of a firing."""
    target = firing.schedule.definition["Target"]
    arn: str = target["Arn"]
    given = target.get("Input")
    text = firing.filled(given) if given is not None else None
    if (found := universal(arn)) is not None:
        return _universal(*found, text)
    service = arn.split(":")[2]
    message = text if text is not None else json.dumps(_default_event(firing))
    return _CLIENTS.get(service, service), TEMPLATED[service], _templated(service, target, message, firing)


def _templated(service: str, target: dict[str, Any], message: str, firing: Firing) -> dict[str, Any]:
    arn = target["Arn"]
    match service:
        case "lambda":
            return {"FunctionName": arn, "InvocationType": "Event", "Payload": message.encode()}
        case "sqs":
            group = (target.get("SqsParameters") or {}).get("MessageGroupId")
            extra = {"MessageGroupId": group, "MessageDeduplicationId": firing.id} if group else {}
            return {"QueueUrl": get_queue_url(arn), "MessageBody": message, **extra}
        case "sns":
            return {"TopicArn": arn, "Message": message}
        case "states":
            return {"stateMachineArn": arn, "name": firing.id, "input": message}
        case "events":
            given = target["EventBridgeParameters"]
            entry = {
                "EventBusName": arn,
                "Source": given["Source"],
                "DetailType": given["DetailType"],
                "Detail": message,
                "Resources": [firing.schedule.arn],
            }
            return {"Entries": [entry]}
        case "kinesis":
            key = target["KinesisParameters"]["PartitionKey"]
            return {"StreamARN": arn, "PartitionKey": key, "Data": message.encode()}
    return {"DeliveryStreamName": arn.rsplit("/", 1)[-1], "Record": {"Data": message.encode()}}


def _universal(service: str, action: str, text: str | None) -> tuple[str, str, dict[str, Any]]:
    name = _SERVICES.get(service.lower(), service.lower())
    session = get_session()
    if name not in session.get_available_services():
        raise TargetError("ValidationException", f"There is no service {service}.", retryable=False)
    operations = {str(each).lower(): str(each) for each in session.get_service_model(name).operation_names}
    operation = operations.get(action.lower())
    if operation is None:
        raise TargetError("ValidationException", f"{service} has no API action {action}.", retryable=False)
    model = session.get_service_model(name).operation_model(operation)
    request = json.loads(text) if text else {}
    if not isinstance(request, dict):
        raise TargetError("ValidationException", "The Input has to be a JSON object.", retryable=False)
    shape = model.input_shape
    known: list[str] = [] if shape is None else [str(each) for each in shape.members]
    members = {each.lower(): each for each in known}
    parameters = {members.get(str(key).lower(), str(key)): value for key, value in request.items()}
    return name, operation, parameters


def _default_event(firing: Firing) -> dict[str, Any]:
    """What a target receives from a schedule without Input."""
    account, region = firing.schedule.caller
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account,
        "time": firing.scheduled_text,
        "region": region,
        "resources": [firing.schedule.arn],
        "detail": "{}",
    }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
