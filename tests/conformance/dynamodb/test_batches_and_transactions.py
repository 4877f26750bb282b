"""Batches and transactions: limits, order, all or nothing."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.dynamodb.conftest import Tables, message, refused

pytestmark = [
    pytest.mark.source(
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"
    ),
    pytest.mark.source(
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html"
    ),
]


def put(key: str) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"id": {"S": key}}}}


def test_a_batch_writes_and_reads_many_tables(db: Any, tables: Tables) -> None:
    one, other = tables.make(), tables.make()
    answer = db.batch_write_item(
        RequestItems={
            one: [put("a"), put("b")],
            other: [put("c"), {"DeleteRequest": {"Key": {"id": {"S": "z"}}}}],
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["UnprocessedItems"] == {}
    assert {each["TableName"]: each["CapacityUnits"] for each in answer["ConsumedCapacity"]} == {
        one: 2.0,
        other: 2.0,
    }
    got = db.batch_get_item(
        RequestItems={
            one: {"Keys": [{"id": {"S": key}} for key in "abx"], "ProjectionExpression": "id"},
            other: {"Keys": [{"id": {"S": "c"}}]},
        }
    )
    assert sorted(item["id"]["S"] for item in got["Responses"][one]) == ["a", "b"]
    assert got["Responses"][other] == [{"id": {"S": "c"}}]
    assert got["UnprocessedKeys"] == {}
    assert "ConsumedCapacity" not in got


def test_batches_have_limits(db: Any, tables: Tables) -> None:
    name = tables.make()
    assert "Too many items requested for the BatchWriteItem call" in message(
        lambda: db.batch_write_item(RequestItems={name: [put(str(n)) for n in range(26)]})
    )
    assert "Too many items requested for the BatchGetItem call" in message(
        lambda: db.batch_get_item(RequestItems={name: {"Keys": [{"id": {"S": str(n)}} for n in range(101)]}})
    )
    for call in (
        lambda: db.batch_write_item(RequestItems={name: [put("a"), put("a")]}),
        lambda: db.batch_get_item(RequestItems={name: {"Keys": [{"id": {"S": "a"}}] * 2}}),
    ):
        assert message(call) == "Provided list of item keys contains duplicates"


def test_a_batch_get_stops_at_16_mb_and_says_what_is_left(db: Any, tables: Tables) -> None:
    name = tables.make()
    keys = [{"id": {"S": str(n)}} for n in range(45)]
    for key in keys:
        db.put_item(TableName=name, Item=key | {"v": {"S": "x" * 390_000}})
    first = db.batch_get_item(RequestItems={name: {"Keys": keys}})
    left = first["UnprocessedKeys"][name]["Keys"]
    assert 0 < len(left) < 45
    second = db.batch_get_item(RequestItems=first["UnprocessedKeys"])
    assert second["UnprocessedKeys"] == {}
    found = [item["id"]["S"] for answer in (first, second) for item in answer["Responses"][name]]
    assert sorted(found, key=int) == [str(n) for n in range(45)]


def test_a_transaction_writes_all(db: Any, tables: Tables) -> None:
    name = tables.make()
    db.put_item(TableName=name, Item={"id": {"S": "gone"}})
    db.put_item(TableName=name, Item={"id": {"S": "count"}, "n": {"N": "1"}})
    db.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": name, "Item": {"id": {"S": "new"}}}},
            {"Delete": {"TableName": name, "Key": {"id": {"S": "gone"}}}},
            {
                "Update": {
                    "TableName": name,
                    "Key": {"id": {"S": "count"}},
                    "UpdateExpression": "SET n = n + :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            },
            {
                "ConditionCheck": {
                    "TableName": name,
                    "Key": {"id": {"S": "nobody"}},
                    "ConditionExpression": "attribute_not_exists(id)",
                }
            },
        ]
    )
    answer = db.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": name, "Key": {"id": {"S": key}}}} for key in ("new", "gone", "count")
        ]
    )
    assert answer["Responses"] == [
        {"Item": {"id": {"S": "new"}}},
        {},
        {"Item": {"id": {"S": "count"}, "n": {"N": "2"}}},
    ]


def test_a_canceled_transaction_says_why_and_changes_nothing(db: Any, tables: Tables) -> None:
    name = tables.make()
    there = {"id": {"S": "there"}, "v": {"S": "old"}}
    db.put_item(TableName=name, Item=there)
    answer = refused(
        lambda: db.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": name, "Item": {"id": {"S": "new"}}}},
                {
                    "Put": {
                        "TableName": name,
                        "Item": {"id": {"S": "there"}},
                        "ConditionExpression": "attribute_not_exists(id)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
                {
                    "Update": {
                        "TableName": name,
                        "Key": {"id": {"S": "other"}},
                        "UpdateExpression": "SET n = absent + :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }
                },
            ]
        )
    )
    assert answer["Error"]["Code"] == "TransactionCanceledException"
    assert answer["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ValidationError]"
    )
    none, failed, invalid = answer["CancellationReasons"]
    assert none == {"Code": "None"}
    assert failed == {
        "Code": "ConditionalCheckFailed",
        "Message": "The conditional request failed",
        "Item": there,
    }
    assert invalid["Code"] == "ValidationError"
    assert db.scan(TableName=name)["Items"] == [there]


def test_a_token_makes_a_transaction_count_once(db: Any, tables: Tables) -> None:
    name = tables.make()

    def add(token: str, more: str) -> None:
        db.transact_write_items(
            ClientRequestToken=token,
            TransactItems=[
                {
                    "Update": {
                        "TableName": name,
                        "Key": {"id": {"S": "a"}},
                        "UpdateExpression": "ADD n :more",
                        "ExpressionAttributeValues": {":more": {"N": more}},
                    }
                }
            ],
        )

    token = str(uuid.uuid4())
    add(token, "1")
    add(token, "1")
    assert message(lambda: add(token, "2"), "IdempotentParameterMismatchException")
    add(str(uuid.uuid4()), "1")
    assert db.get_item(TableName=name, Key={"id": {"S": "a"}})["Item"]["n"] == {"N": "2"}


def test_a_transaction_touches_an_item_once_and_at_most_100(db: Any, tables: Tables) -> None:
    name = tables.make()
    same = {"Put": {"TableName": name, "Item": {"id": {"S": "a"}}}}
    assert message(lambda: db.transact_write_items(TransactItems=[same, same])) == (
        "Transaction request cannot include multiple operations on one item"
    )
    many = [{"Put": {"TableName": name, "Item": {"id": {"S": str(n)}}}} for n in range(101)]
    assert "Member must have length less than or equal to 100" in message(
        lambda: db.transact_write_items(TransactItems=many)
    )


def test_concurrent_conditional_writes_lose_no_increment(aws: Aws, tables: Tables) -> None:
    name = tables.make()
    client = aws.client("dynamodb")

    def add(_: int) -> None:
        client.update_item(
            TableName=name,
            Key={"id": {"S": "a"}},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(100)))
    assert client.get_item(TableName=name, Key={"id": {"S": "a"}})["Item"]["n"] == {"N": "100"}
