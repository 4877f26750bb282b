"""Tables for the tests, removed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws


@dataclass
class Tables:
    """Makes tables with a string partition key `id` (and a numeric sort key `at` when asked for)."""

    aws: Aws
    unique: Callable[[str], str]
    made: list[str] = field(default_factory=list)

    def make(self, *, sort: bool = False, **more: Any) -> str:
        name = self.unique("table")
        attributes = [{"AttributeName": "id", "AttributeType": "S"}]
        keys = [{"AttributeName": "id", "KeyType": "HASH"}]
        if sort:
            attributes.append({"AttributeName": "pos", "AttributeType": "N"})
            keys.append({"AttributeName": "pos", "KeyType": "RANGE"})
        request: dict[str, Any] = {
            "TableName": name,
            "AttributeDefinitions": attributes + more.pop("AttributeDefinitions", []),
            "KeySchema": keys,
            "BillingMode": "PAY_PER_REQUEST",
        }
        client = self.aws.client("dynamodb")
        client.create_table(**(request | more))
        self.made.append(name)
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        return name

    def stream(self, name: str) -> str:
        return str(self.aws.client("dynamodb").describe_table(TableName=name)["Table"]["LatestStreamArn"])

    def records(self, arn: str, **start: Any) -> list[dict[str, Any]]:
        """What a stream holds now, from `start` (an iterator type; the oldest record without one)."""
        client = self.aws.client("dynamodbstreams")
        found: list[dict[str, Any]] = []
        for shard in client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            token = client.get_shard_iterator(
                StreamArn=arn,
                ShardId=shard["ShardId"],
                **({"ShardIteratorType": "TRIM_HORIZON"} | start),
            )["ShardIterator"]
            while token:
                answer = client.get_records(ShardIterator=token)
                if not answer["Records"]:
                    break
                found += answer["Records"]
                token = answer.get("NextShardIterator")
        return found


@pytest.fixture
def db(aws: Aws) -> Any:
    return aws.client("dynamodb")


@pytest.fixture
def tables(aws: Aws, unique: Callable[[str], str]) -> Iterator[Tables]:
    made = Tables(aws, unique)
    yield made
    client = aws.client("dynamodb")
    for name in made.made:
        try:
            client.delete_table(TableName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    """The answer of a call that AWS refuses: Error, and the members of the exception."""
    with pytest.raises(ClientError) as caught:
        call()
    return dict(caught.value.response)


def message(call: Callable[[], Any], code: str = "ValidationException") -> str:
    """The message of a refusal with `code`."""
    answer = refused(call)
    assert answer["Error"]["Code"] == code, answer["Error"]
    return str(answer["Error"]["Message"])
