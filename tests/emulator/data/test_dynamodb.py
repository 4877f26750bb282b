"""DynamoDB in memory against a plain dictionary; expiry; pickling."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.clock import ManualClock
from mdlc_emulator.engine.dynamodb.backend import stream_operations, table_operations
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.values import item_size

CALLER = Caller("000000000000", "us-east-1")


class Model(RuleBasedStateMachine):
    """Puts, updates, deletes, conditions, batches and transactions on a table with two indexes, against a
    dictionary; and its stream, replayed, makes the same table."""

    def __init__(self) -> None:
        super().__init__()
        self.store = TableStore()
        self.call = table_operations(self.store)
        self.streams = stream_operations(self.store)
        self.model: dict[tuple[str, int], dict[str, Any]] = {}

    keys = st.tuples(st.sampled_from("abc"), st.integers(-2, 2))
    groups = st.sampled_from(["x", "y", None])

    def do(self, operation: str, **request: Any) -> Any:
        return self.call[operation](CALLER, {"TableName": "table", **request})

    @initialize()
    def create(self) -> None:
        def schema(hash_name: str, range_name: str) -> list[dict[str, str]]:
            return [
                {"AttributeName": hash_name, "KeyType": "HASH"},
                {"AttributeName": range_name, "KeyType": "RANGE"},
            ]

        self.do(
            "CreateTable",
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "s", "AttributeType": "N"},
                {"AttributeName": "g", "AttributeType": "S"},
                {"AttributeName": "n", "AttributeType": "N"},
            ],
            KeySchema=schema("p", "s"),
            BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[
                {"IndexName": "by-g", "KeySchema": schema("g", "n"), "Projection": {"ProjectionType": "ALL"}}
            ],
            LocalSecondaryIndexes=[
                {
                    "IndexName": "by-n",
                    "KeySchema": schema("p", "n"),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )

    @staticmethod
    def key(key: tuple[str, int]) -> dict[str, Any]:
        return {"p": {"S": key[0]}, "s": {"N": str(key[1])}}

    def item(self, key: tuple[str, int], group: str | None, number: int | None) -> dict[str, Any]:
        item = self.key(key)
        if group is not None:
            item["g"] = {"S": group}
        if number is not None:
            item["n"] = {"N": str(number)}
        return item

    @rule(key=keys, group=groups, number=st.one_of(st.none(), st.integers(0, 5)))
    def put(self, key: tuple[str, int], group: str | None, number: int | None) -> None:
        item = self.item(key, group, number)
        answer = self.do("PutItem", Item=item, ReturnValues="ALL_OLD")
        assert answer.get("Attributes") == self.model.get(key)
        self.model[key] = item

    @rule(key=keys, number=st.integers(0, 5))
    def put_if_absent(self, key: tuple[str, int], number: int) -> None:
        item = self.item(key, None, number)
        request = {
            "Item": item,
            "ConditionExpression": "attribute_not_exists(p)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if key in self.model:
            with pytest.raises(AwsError) as caught:
                self.do("PutItem", **request)
            assert caught.value.code == "ConditionalCheckFailedException"
            assert caught.value.members["Item"] == self.model[key]
        else:
            self.do("PutItem", **request)
            self.model[key] = item

    @rule(key=keys)
    def delete(self, key: tuple[str, int]) -> None:
        answer = self.do("DeleteItem", Key=self.key(key), ReturnValues="ALL_OLD")
        assert answer == ({"Attributes": self.model.pop(key)} if key in self.model else {})

    @rule(key=keys, more=st.integers(-3, 3))
    def count(self, key: tuple[str, int], more: int) -> None:
        answer = self.do(
            "UpdateItem",
            Key=self.key(key),
            UpdateExpression="SET #n = if_not_exists(#n, :zero) + :more",
            ExpressionAttributeNames={"#n": "n"},
            ExpressionAttributeValues={":zero": {"N": "0"}, ":more": {"N": str(more)}},
            ReturnValues="UPDATED_NEW",
        )
        item = dict(self.model.get(key, self.key(key)))
        item["n"] = {"N": str(int(item.get("n", {"N": "0"})["N"]) + more)}
        self.model[key] = item
        assert answer["Attributes"] == {"n": item["n"]}

    @rule(key=keys)
    def ungroup(self, key: tuple[str, int]) -> None:
        if key in self.model:
            self.do("UpdateItem", Key=self.key(key), UpdateExpression="REMOVE g, n")
            self.model[key] = self.key(key)

    @rule(some=st.lists(keys, min_size=1, max_size=6, unique=True), data=st.data())
    def batch(self, some: list[tuple[str, int]], data: st.DataObject) -> None:
        requests = []
        for key in some:
            if data.draw(st.booleans()):
                item = self.item(key, "x", 1)
                self.model[key] = item
                requests.append({"PutRequest": {"Item": item}})
            else:
                self.model.pop(key, None)
                requests.append({"DeleteRequest": {"Key": self.key(key)}})
        assert self.do("BatchWriteItem", RequestItems={"table": requests}) == {"UnprocessedItems": {}}

    @rule(first=keys, second=keys, third=keys)
    def transact(self, first: tuple[str, int], second: tuple[str, int], third: tuple[str, int]) -> None:
        """Move one item to another key, if a third is there."""
        if len({first, second, third}) < 3:
            return
        request = [
            {
                "Delete": {
                    "TableName": "table",
                    "Key": self.key(first),
                    "ConditionExpression": "attribute_exists(p)",
                }
            },
            {"Put": {"TableName": "table", "Item": self.item(second, "y", 3)}},
            {
                "ConditionCheck": {
                    "TableName": "table",
                    "Key": self.key(third),
                    "ConditionExpression": "attribute_exists(p)",
                }
            },
        ]
        if first in self.model and third in self.model:
            self.do("TransactWriteItems", TransactItems=request)
            del self.model[first]
            self.model[second] = self.item(second, "y", 3)
        else:
            with pytest.raises(AwsError) as caught:
                self.do("TransactWriteItems", TransactItems=request)
            codes = [reason["Code"] for reason in caught.value.members["CancellationReasons"]]
            failed = "ConditionalCheckFailed"
            assert codes == [
                "None" if first in self.model else failed,
                "None",
                "None" if third in self.model else failed,
            ]

    def pages(self, operation: str, **request: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.do(operation, **request)
            found += page["Items"]
            assert page["Count"] == len(page["Items"])
            if "LastEvaluatedKey" not in page:
                return found
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    @invariant()
    def every_item_is_where_it_should_be(self) -> None:
        if "table" not in self.store.of(CALLER):
            return
        for key in [("a", 0), ("b", -2), *self.model]:
            answer = self.do("GetItem", Key=self.key(key))
            assert answer == ({"Item": self.model[key]} if key in self.model else {})

    @invariant()
    def scans_and_queries_of_any_page_size_find_every_item_once(self) -> None:
        if "table" not in self.store.of(CALLER):
            return
        for limit in (1, 2, 50):
            found = self.pages("Scan", Limit=limit)
            assert sorted((i["p"]["S"], int(i["s"]["N"])) for i in found) == sorted(self.model)
            for forward in (True, False):
                found = self.pages(
                    "Query",
                    Limit=limit,
                    ScanIndexForward=forward,
                    KeyConditionExpression="p = :p AND s >= :low",
                    ExpressionAttributeValues={":p": {"S": "a"}, ":low": {"N": "-1"}},
                )
                keys = sorted(
                    (key for key in self.model if key[0] == "a" and key[1] >= -1), reverse=not forward
                )
                assert [self.model[key] for key in keys] == found
        parts = [self.pages("Scan", Segment=part, TotalSegments=3) for part in range(3)]
        assert sum(map(len, parts)) == len(self.model)

    @invariant()
    def indexes_hold_exactly_what_has_their_keys(self) -> None:
        if "table" not in self.store.of(CALLER):
            return
        indexed = [item for item in self.model.values() if "g" in item and "n" in item]
        found = self.pages("Scan", IndexName="by-g", Limit=2)
        assert sorted(map(repr, map(_sorted, found))) == sorted(map(repr, map(_sorted, indexed)))
        for group in "xy":
            page = self.pages(
                "Query",
                IndexName="by-g",
                Limit=1,
                KeyConditionExpression="g = :g",
                ExpressionAttributeValues={":g": {"S": group}},
            )
            assert [int(item["n"]["N"]) for item in page] == sorted(
                int(item["n"]["N"]) for item in indexed if item["g"]["S"] == group
            )
        local = self.pages("Scan", IndexName="by-n")
        assert len(local) == sum(1 for item in self.model.values() if "n" in item)
        assert all(item.keys() == {"p", "s", "n"} for item in local)

    @invariant()
    def sizes_and_counts_are_those_of_the_items(self) -> None:
        if "table" not in self.store.of(CALLER):
            return
        described = self.do("DescribeTable")["Table"]
        assert described["ItemCount"] == len(self.model)
        assert described["TableSizeBytes"] == sum(map(item_size, self.model.values()))
        [index] = described["GlobalSecondaryIndexes"]
        held = [item for item in self.model.values() if "g" in item and "n" in item]
        assert (index["ItemCount"], index["IndexSizeBytes"]) == (len(held), sum(map(item_size, held)))

    @invariant()
    def the_stream_replayed_makes_the_table(self) -> None:
        if "table" not in self.store.of(CALLER):
            return
        table = self.store.of(CALLER)["table"]
        assert table.stream is not None
        iterator = self.streams["GetShardIterator"](
            CALLER,
            {
                "StreamArn": table.stream.arn,
                "ShardId": table.stream.shard_id,
                "ShardIteratorType": "TRIM_HORIZON",
            },
        )
        records = self.streams["GetRecords"](CALLER, iterator)["Records"]
        replayed: dict[tuple[str, int], Any] = {}
        last = 0
        for record in records:
            change = record["dynamodb"]
            key = (change["Keys"]["p"]["S"], int(change["Keys"]["s"]["N"]))
            assert replayed.get(key) == change.get("OldImage")
            assert record["eventName"] == (
                "REMOVE" if "NewImage" not in change else "MODIFY" if key in replayed else "INSERT"
            )
            assert int(change["SequenceNumber"]) > last
            last = int(change["SequenceNumber"])
            if "NewImage" in change:
                replayed[key] = change["NewImage"]
            else:
                del replayed[key]
        if len(records) < 1000:
            assert replayed == self.model


def _sorted(item: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(item.items())


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_items_expire_by_their_time_to_live_and_say_so_in_the_stream() -> None:
    before, time = clock.clock(), ManualClock(1_800_000_000.0)
    clock.use_clock(time)
    try:
        store = TableStore()
        call = table_operations(store)
        call["CreateTable"](
            CALLER,
            {
                "TableName": "table",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"},
            },
        )
        spec = {"Enabled": True, "AttributeName": "until"}
        call["UpdateTimeToLive"](CALLER, {"TableName": "table", "TimeToLiveSpecification": spec})
        for name, until in (("soon", 10), ("later", 1000), ("prolonged", 10)):
            item = {"id": {"S": name}, "until": {"N": str(1_800_000_000 + until)}}
            call["PutItem"](CALLER, {"TableName": "table", "Item": item})
        item = {"id": {"S": "prolonged"}, "until": {"N": str(1_800_005_000)}}
        call["PutItem"](CALLER, {"TableName": "table", "Item": item})
        table = store.of(CALLER)["table"]
        assert table.sweep(1_800_000_011) == 1
        assert {item["id"]["S"] for item in table.items.values()} == {"later", "prolonged"}
        assert table.stream is not None
        record = table.stream.log.entries[-1].record
        assert record["eventName"] == "REMOVE"
        assert record["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    finally:
        clock.use_clock(before)


def test_a_table_survives_pickling() -> None:
    store = TableStore()
    call = table_operations(store)
    call["CreateTable"](
        CALLER,
        {
            "TableName": "table",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    call["PutItem"](CALLER, {"TableName": "table", "Item": {"id": {"S": "a"}}})
    kept = pickle.loads(pickle.dumps(store.of(CALLER)["table"]))
    assert kept.get({"id": {"S": "a"}}) == {"id": {"S": "a"}}
    kept.write({"id": {"S": "b"}}, {"id": {"S": "b"}}, 0.0)
