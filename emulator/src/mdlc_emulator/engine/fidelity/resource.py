"""The resource that a call is about: an ARN or a name, from the parsed request. Standard library only."""

from collections.abc import Mapping
from typing import Any

_FIELDS: dict[str, tuple[str, ...]] = {
    "apigateway": ("restApiId", "name", "domainName"),
    "cloudformation": ("StackName", "ChangeSetName"),
    "cloudwatch": ("AlarmName", "Namespace", "DashboardName"),
    "dynamodb": ("TableName", "TableArn", "ResourceArn", "GlobalTableName"),
    "dynamodbstreams": ("StreamArn", "TableName"),
    "ec2": ("VpcId", "SubnetId", "GroupId", "InstanceId"),
    "events": ("Rule", "Name", "EventBusName", "ResourceARN"),
    "firehose": ("DeliveryStreamName",),
    "iam": ("RoleName", "PolicyArn", "UserName", "GroupName", "PolicyName"),
    "kinesis": ("StreamName", "StreamARN", "ConsumerARN"),
    "kms": ("KeyId", "AliasName"),
    "lambda": ("FunctionName", "EventSourceArn", "UUID", "LayerName", "Resource"),
    "logs": ("logGroupName", "logGroupIdentifier", "resourceArn"),
    "s3": ("Bucket",),
    "scheduler": ("Name", "GroupName", "ResourceArn"),
    "secretsmanager": ("SecretId", "Name"),
    "sns": ("TopicArn", "SubscriptionArn", "Name", "ResourceArn"),
    "sqs": ("QueueUrl", "QueueName"),
    "ssm": ("Name", "Path", "ResourceId"),
    "stepfunctions": ("stateMachineArn", "executionArn", "activityArn", "name", "resourceArn"),
    "sts": ("RoleArn",),
}
"""Request members that name the resource, by service, the first that is there."""

_ENDINGS = ("Arn", "ARN", "arn", "Name", "name", "Id", "id")


def resource_of(service: str, request: Mapping[str, Any] | None) -> str:
    """The resource's ARN or name as the request gives it; "" for a call about none (a listing, say)."""
    if not request:
        return ""
    if service == "s3":
        return _s3(request)
    for name in _FIELDS.get(service, ()):
        value = request.get(name)
        if value and isinstance(value, str):
            return value.rsplit("/", 1)[-1] if name == "QueueUrl" else value
    if service not in _FIELDS:
        for ending in _ENDINGS:
            for name, value in request.items():
                if name.endswith(ending) and isinstance(value, str) and value:
                    return value
    return ""


def _s3(request: Mapping[str, Any]) -> str:
    bucket, key = request.get("Bucket"), request.get("Key")
    if not bucket:
        return ""
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
