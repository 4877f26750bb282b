"""Kinesis Data Streams: making, describing, resharding and removing streams."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.kinesis.conftest import TOP, error, shards

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamDescription.html"),
    pytest.mark.source(
        "https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html"
    ),
]


def test_a_stream_is_described(kinesis: Any, stream: Callable[..., str]) -> None:
    name = stream(ShardCount=3, Tags={"team": "a"})
    described = kinesis.describe_stream(StreamName=name)["StreamDescription"]
    assert described["StreamARN"].endswith(f":stream/{name}")
    assert described["StreamStatus"] == "ACTIVE"
    assert described["StreamModeDetails"] == {"StreamMode": "PROVISIONED"}
    assert described["RetentionPeriodHours"] == 24
    assert described["EncryptionType"] == "NONE"
    assert described["HasMoreShards"] is False
    assert [shard["ShardId"] for shard in described["Shards"]] == [f"shardId-{n:012d}" for n in range(3)]
    ranges = [shard["HashKeyRange"] for shard in described["Shards"]]
    assert ranges[0]["StartingHashKey"] == "0"
    assert ranges[2]["EndingHashKey"] == str(TOP)
    for shard in described["Shards"]:
        assert len(shard["SequenceNumberRange"]["StartingSequenceNumber"]) == 56
        assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        assert "ParentShardId" not in shard
    summary = kinesis.describe_stream_summary(StreamARN=described["StreamARN"])["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["ConsumerCount"]) == (3, 0)
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "team", "Value": "a"}]


def test_a_name_can_be_taken_once_and_a_missing_one_is_said(kinesis: Any, stream: Callable[..., str]) -> None:
    name = stream()
    assert error(lambda: kinesis.create_stream(StreamName=name, ShardCount=1))[0] == "ResourceInUseException"
    code, text = error(lambda: kinesis.describe_stream(StreamName="missing-" + name))
    assert code == "ResourceNotFoundException"
    assert "not found" in text


def test_an_on_demand_stream_has_four_shards_and_takes_no_count(
    kinesis: Any, stream: Callable[..., str]
) -> None:
    on_demand = {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    name = stream(**on_demand)
    assert len(shards(kinesis, name)) == 4
    code, _ = error(
        lambda: kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    )
    assert code == "ValidationException"
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["OpenShardCount"] == 2


def test_a_split_closes_the_parent_and_opens_two_children(kinesis: Any, stream: Callable[..., str]) -> None:
    name = stream()
    kinesis.put_record(StreamName=name, Data=b"before", PartitionKey="k")
    half = str(2**127)
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=half)
    parent, lower, upper = shards(kinesis, name)
    assert "EndingSequenceNumber" in parent["SequenceNumberRange"]
    assert lower["HashKeyRange"] == {"StartingHashKey": "0", "EndingHashKey": str(2**127 - 1)}
    assert upper["HashKeyRange"] == {"StartingHashKey": half, "EndingHashKey": str(TOP)}
    for child in (lower, upper):
        assert child["ParentShardId"] == parent["ShardId"]
        assert "AdjacentParentShardId" not in child
        first = int(child["SequenceNumberRange"]["StartingSequenceNumber"])
        assert first > int(parent["SequenceNumberRange"]["EndingSequenceNumber"])
    token = kinesis.get_shard_iterator(
        StreamName=name, ShardId=parent["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    answer = kinesis.get_records(ShardIterator=token)
    assert [record["Data"] for record in answer["Records"]] == [b"before"]
    # A closed shard that has been read to its end gives no further iterator, but its children.
    assert "NextShardIterator" not in answer
    assert [child["ShardId"] for child in answer["ChildShards"]] == [lower["ShardId"], upper["ShardId"]]
    code, _ = error(
        lambda: kinesis.split_shard(StreamName=name, ShardToSplit=parent["ShardId"], NewStartingHashKey=half)
    )
    assert code == "InvalidArgumentException"


def test_a_merge_joins_neighbours_only(kinesis: Any, stream: Callable[..., str]) -> None:
    name = stream(ShardCount=3)
    first, second, third = (shard["ShardId"] for shard in shards(kinesis, name))
    assert (
        error(lambda: kinesis.merge_shards(StreamName=name, ShardToMerge=first, AdjacentShardToMerge=third))[
            0
        ]
        == "InvalidArgumentException"
    )
    kinesis.merge_shards(StreamName=name, ShardToMerge=second, AdjacentShardToMerge=first)
    child = shards(kinesis, name)[-1]
    assert (child["ParentShardId"], child["AdjacentParentShardId"]) == (second, first)
    assert child["HashKeyRange"]["StartingHashKey"] == "0"


@pytest.mark.source("https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html")
def test_shards_are_listed_in_pages_and_by_filter(kinesis: Any, stream: Callable[..., str]) -> None:
    name = stream(ShardCount=2)
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey="99")
    first = kinesis.list_shards(StreamName=name, MaxResults=3)
    rest = kinesis.list_shards(NextToken=first["NextToken"])
    assert "NextToken" not in rest
    assert [shard["ShardId"][-1] for shard in first["Shards"] + rest["Shards"]] == ["0", "1", "2", "3"]

    def filtered(kind: str, **more: Any) -> list[str]:
        found = shards(kinesis, name, ShardFilter={"Type": kind, **more})
        return [shard["ShardId"][-1] for shard in found]

    assert filtered("AT_LATEST") == ["1", "2", "3"]
    assert filtered("AT_TRIM_HORIZON") == ["0", "1"]
    assert filtered("AFTER_SHARD_ID", ShardId="shardId-000000000001") == ["2", "3"]
    assert error(lambda: kinesis.list_shards(StreamName=name, NextToken=first["NextToken"]))[0] == (
        "InvalidArgumentException"
    )


def test_retention_goes_up_and_down_within_its_bounds(kinesis: Any, stream: Callable[..., str]) -> None:
    name = stream()

    def hours() -> int:
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return int(summary["RetentionPeriodHours"])

    kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=168)
    assert hours() == 168
    kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=48)
    assert hours() == 48
    for call in (
        lambda: kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=24),
        lambda: kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=72),
        lambda: kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=9000),
    ):
        assert error(call)[0] == "InvalidArgumentException"


def test_consumers_are_registered_once_and_hold_their_stream(
    kinesis: Any, stream: Callable[..., str], unique: Callable[[str], str]
) -> None:
    name = stream()
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    made = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="reader")["Consumer"]
    assert made["ConsumerStatus"] == "CREATING"
    assert made["ConsumerARN"].startswith(f"{arn}/consumer/reader:")
    described = kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])["ConsumerDescription"]
    assert (described["ConsumerStatus"], described["StreamARN"]) == ("ACTIVE", arn)
    assert len(kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]) == 1
    assert (
        error(lambda: kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="reader"))[0]
        == "ResourceInUseException"
    )
    assert error(lambda: kinesis.delete_stream(StreamName=name))[0] == "ResourceInUseException"
    kinesis.deregister_stream_consumer(ConsumerARN=made["ConsumerARN"])
    assert kinesis.list_stream_consumers(StreamARN=arn)["Consumers"] == []


def test_accounts_and_regions_are_kept_apart(aws: Aws, kinesis: Any, stream: Callable[..., str]) -> None:
    name = stream()
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    for other in (aws.at(region="eu-west-1"), aws.at(account="111111111111")):
        client = other.client("kinesis")
        assert name not in client.list_streams()["StreamNames"]
        assert error(lambda client=client: client.describe_stream(StreamName=name))[0] == (
            "ResourceNotFoundException"
        )
    stranger = aws.at(account="111111111111").client("kinesis")
    assert error(lambda: stranger.put_record(StreamARN=arn, Data=b"x", PartitionKey="k"))[0] == (
        "AccessDeniedException"
    )
    policy = {"Version": "2012-10-17", "Statement": []}
    kinesis.put_resource_policy(ResourceARN=arn, Policy=json.dumps(policy))
    assert json.loads(kinesis.get_resource_policy(ResourceARN=arn)["Policy"]) == policy


def test_a_stream_made_by_cloudformation_has_all_its_properties(
    aws: Aws, kinesis: Any, unique: Callable[[str], str]
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kinesis-stream.html"""
    name, stack = unique("stream"), unique("stack")
    client = aws.client("cloudformation")

    def template(properties: dict[str, Any]) -> str:
        resource = {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": name, **properties}}
        return json.dumps({"Resources": {"Stream": resource}})

    client.create_stack(
        StackName=stack,
        TemplateBody=template(
            {
                "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
                "RetentionPeriodHours": 48,
                "Tags": [{"Key": "team", "Value": "a"}],
                "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
            }
        ),
    )
    client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert summary["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    assert summary["RetentionPeriodHours"] == 48
    assert summary["EncryptionType"] == "KMS"
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == [{"Key": "team", "Value": "a"}]
    client.delete_stack(StackName=stack)
    client.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert name not in kinesis.list_streams()["StreamNames"]
