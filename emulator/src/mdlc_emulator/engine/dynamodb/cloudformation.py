"""AWS::DynamoDB::Table for CloudFormation, with all its properties that this emulator has.

LocalStack's drops protection, tags, encryption and point-in-time recovery, switches time to live on twice,
and cannot update.
"""

from typing import Any

import localstack.services.cloudformation.provider_utils as util
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceRequest,
)
from localstack.services.dynamodb.resource_providers.aws_dynamodb_table import DynamoDBTableProvider
from localstack.services.dynamodb.resource_providers.aws_dynamodb_table_plugin import (
    DynamoDBTableProviderPlugin,
)

_CREATED = (
    "TableName",
    "AttributeDefinitions",
    "KeySchema",
    "LocalSecondaryIndexes",
    "BillingMode",
    "ProvisionedThroughput",
    "DeletionProtectionEnabled",
    "TableClass",
    "Tags",
    "OnDemandThroughput",
)
_INDEX = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput")
_REFUSED = {
    "ImportSourceSpecification": "imports from S3",
    "KinesisStreamSpecification": "Kinesis as the destination of changes",
}


class TableResource(DynamoDBTableProvider):
    """Creates, updates and deletes."""

    def create(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: dict[str, Any] = request.desired_state
        for name, words in _REFUSED.items():
            if model.get(name):
                return ProgressEvent(
                    status=OperationStatus.FAILED,
                    resource_model=model,
                    message=f"This emulator does not support {words}: leave {name} out.",
                )
        if not model.get("TableName"):
            model["TableName"] = util.generate_default_name(request.stack_name, request.logical_resource_id)
        wanted = {name: model[name] for name in _CREATED if model.get(name) is not None}
        if indexes := model.get("GlobalSecondaryIndexes"):
            wanted["GlobalSecondaryIndexes"] = [_index(index) for index in indexes]
        if stream := _stream(model):
            wanted["StreamSpecification"] = stream
        if encryption := _encryption(model):
            wanted["SSESpecification"] = encryption
        client = request.aws_client_factory.dynamodb
        made = client.create_table(**_typed(wanted))["TableDescription"]
        model["Arn"] = made["TableArn"]
        _settle(client, model, {})
        return _done(client, model)

    def update(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: dict[str, Any] = request.desired_state
        before: dict[str, Any] = request.previous_state or {}
        client = request.aws_client_factory.dynamodb
        model["TableName"], model["Arn"] = before["TableName"], before["Arn"]
        for change in _changes(model, before):
            client.update_table(TableName=model["TableName"], **_typed(change))
        old = {tag["Key"] for tag in before.get("Tags") or ()}
        new = {tag["Key"] for tag in model.get("Tags") or ()}
        if old - new:
            client.untag_resource(ResourceArn=model["Arn"], TagKeys=sorted(old - new))
        if model.get("Tags"):
            client.tag_resource(ResourceArn=model["Arn"], Tags=model["Tags"])
        _settle(client, model, before)
        return _done(client, model)

    def delete(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: dict[str, Any] = request.previous_state or request.desired_state
        client = request.aws_client_factory.dynamodb
        try:
            client.delete_table(TableName=model["TableName"])
        except client.exceptions.ResourceNotFoundException:
            # Somebody else has removed it: it is gone, as wanted.
            return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={})
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={})


def _typed(value: Any, name: str = "") -> Any:
    """`value` with numbers and flags as such: a template may write them as text."""
    if isinstance(value, dict):
        return {key: _typed(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    if isinstance(value, str) and name.endswith("Units"):
        return int(value)
    if isinstance(value, str) and name.endswith("Enabled"):
        return value.lower() == "true"
    return value


def _index(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in _INDEX if given.get(name) is not None}


def _stream(model: dict[str, Any]) -> dict[str, Any] | None:
    given = model.get("StreamSpecification")
    return {"StreamEnabled": True, "StreamViewType": given["StreamViewType"]} if given else None


def _encryption(model: dict[str, Any]) -> dict[str, Any] | None:
    given = model.get("SSESpecification")
    if not given:
        return None
    kept = {name: value for name, value in given.items() if name != "SSEEnabled"}
    return {"Enabled": bool(given.get("SSEEnabled")), **kept}


def _changes(model: dict[str, Any], before: dict[str, Any]) -> list[dict[str, Any]]:
    """UpdateTable's parameters, one call for each index that comes or goes, as AWS wants it."""
    change: dict[str, Any] = {}
    billing = ("BillingMode", "ProvisionedThroughput")
    if any(model.get(name) != before.get(name) for name in billing):
        change |= {name: model[name] for name in billing if model.get(name) is not None}
    for name in ("DeletionProtectionEnabled", "TableClass"):
        if model.get(name) is not None and model.get(name) != before.get(name):
            change[name] = model[name]
    changes = [change] if change else []
    if (wanted := _stream(model)) != _stream(before):
        if _stream(before):
            changes.append({"StreamSpecification": {"StreamEnabled": False}})
        if wanted:
            changes.append({"StreamSpecification": wanted})
    old = {index["IndexName"]: _index(index) for index in before.get("GlobalSecondaryIndexes") or ()}
    new = {index["IndexName"]: _index(index) for index in model.get("GlobalSecondaryIndexes") or ()}
    gone = [{"Delete": {"IndexName": name}} for name in old if name not in new]
    made = [{"Create": index} for name, index in new.items() if name not in old]
    changes += [{"GlobalSecondaryIndexUpdates": [update]} for update in gone]
    attributes = {"AttributeDefinitions": model["AttributeDefinitions"]}
    changes += [attributes | {"GlobalSecondaryIndexUpdates": [update]} for update in made]
    return changes


def _settle(client: Any, model: dict[str, Any], before: dict[str, Any]) -> None:
    """Time to live and point-in-time recovery, where they differ from `before`."""
    name = model["TableName"]
    wanted, known = model.get("TimeToLiveSpecification"), before.get("TimeToLiveSpecification")
    if wanted != known:
        if known and known.get("Enabled"):
            client.update_time_to_live(TableName=name, TimeToLiveSpecification={**known, "Enabled": False})
        if wanted and wanted.get("Enabled"):
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
    member = "PointInTimeRecoverySpecification"
    enabled, was = (
        bool((each.get(member) or {}).get("PointInTimeRecoveryEnabled")) for each in (model, before)
    )
    if enabled != was:
        client.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
        )


def _done(client: Any, model: dict[str, Any]) -> ProgressEvent[Any]:
    table = client.describe_table(TableName=model["TableName"])["Table"]
    if "LatestStreamArn" in table:
        model["StreamArn"] = table["LatestStreamArn"]
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def install() -> None:
    """Let the resource type load ours."""
    if "load" not in vars(DynamoDBTableProviderPlugin):
        raise RuntimeError("DynamoDBTableProviderPlugin.load is gone: this LocalStack cannot be patched.")

    def load(plugin: DynamoDBTableProviderPlugin) -> None:
        plugin.factory = TableResource

    setattr(DynamoDBTableProviderPlugin, "load", load)  # noqa: B010
