"""AWS::Kinesis::Stream for CloudFormation, with all its properties.

LocalStack's passes a shard count for on-demand streams too, drops retention, encryption and tags, and cannot
update.
"""

from typing import Any

import localstack.services.cloudformation.provider_utils as util
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceRequest,
)
from localstack.services.kinesis.resource_providers.aws_kinesis_stream import KinesisStreamProvider
from localstack.services.kinesis.resource_providers.aws_kinesis_stream_plugin import (
    KinesisStreamProviderPlugin,
)

DEFAULT_RETENTION = 24


class StreamResource(KinesisStreamProvider):
    """Creates and updates; deletes as LocalStack does."""

    def create(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: dict[str, Any] = request.desired_state
        if not model.get("Name"):
            model["Name"] = util.generate_default_name(
                stack_name=request.stack_name, logical_resource_id=request.logical_resource_id
            )
        # As documented: without a mode a stream with a shard count is provisioned, any other is on demand.
        mode = _mode(model)
        count = {} if mode == "ON_DEMAND" else {"ShardCount": model.get("ShardCount") or 1}
        client = request.aws_client_factory.kinesis
        client.create_stream(StreamName=model["Name"], StreamModeDetails={"StreamMode": mode}, **count)
        summary = client.describe_stream_summary(StreamName=model["Name"])["StreamDescriptionSummary"]
        model["Arn"] = summary["StreamARN"]
        _settle(client, model, {})
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    def update(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: dict[str, Any] = request.desired_state
        before: dict[str, Any] = request.previous_state or {}
        client = request.aws_client_factory.kinesis
        model["Name"], model["Arn"] = before["Name"], before["Arn"]
        if _mode(model) != _mode(before):
            client.update_stream_mode(StreamARN=model["Arn"], StreamModeDetails={"StreamMode": _mode(model)})
        count = model.get("ShardCount")
        if _mode(model) == "PROVISIONED" and count and count != before.get("ShardCount"):
            client.update_shard_count(
                StreamARN=model["Arn"], TargetShardCount=count, ScalingType="UNIFORM_SCALING"
            )
        _settle(client, model, before)
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def _mode(model: dict[str, Any]) -> str:
    given = (model.get("StreamModeDetails") or {}).get("StreamMode")
    return str(given or ("PROVISIONED" if model.get("ShardCount") else "ON_DEMAND"))


def _settle(client: Any, model: dict[str, Any], before: dict[str, Any]) -> None:
    """Retention, encryption and tags, where they differ from `before`."""
    arn = model["Arn"]
    wanted = model.get("RetentionPeriodHours") or DEFAULT_RETENTION
    known = before.get("RetentionPeriodHours") or DEFAULT_RETENTION
    if wanted > known:
        client.increase_stream_retention_period(StreamARN=arn, RetentionPeriodHours=wanted)
    elif wanted < known:
        client.decrease_stream_retention_period(StreamARN=arn, RetentionPeriodHours=wanted)
    encryption, old = model.get("StreamEncryption"), before.get("StreamEncryption")
    if encryption != old:
        if encryption:
            client.start_stream_encryption(StreamARN=arn, **encryption)
        elif old:
            client.stop_stream_encryption(StreamARN=arn, **old)
    tags, known_tags = _tags(model), _tags(before)
    if gone := known_tags.keys() - tags.keys():
        client.remove_tags_from_stream(StreamARN=arn, TagKeys=sorted(gone))
    if tags:
        client.add_tags_to_stream(StreamARN=arn, Tags=tags)


def _tags(model: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in model.get("Tags") or ()}


def install() -> None:
    """Let the resource type load ours."""
    if "load" not in vars(KinesisStreamProviderPlugin):
        raise RuntimeError("KinesisStreamProviderPlugin.load is gone: this LocalStack cannot be patched.")

    def load(plugin: KinesisStreamProviderPlugin) -> None:
        plugin.factory = StreamResource

    setattr(KinesisStreamProviderPlugin, "load", load)  # noqa: B010
