"""Query and Scan: order, conditions, filters, pages, indexes, segments."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.dynamodb.conftest import Tables, message

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html"),
    pytest.mark.source(
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html"
    ),
]

ATTRIBUTES = [{"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}]
GLOBAL = [
    {
        "IndexName": "by-g",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["kept"]},
    }
]
LOCAL = [
    {
        "IndexName": "by-n",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
]


@pytest.fixture
def filled(db: Any, tables: Tables) -> str:
    """Ten items of partition `a` (at -3 to 6), three of `b`."""
    name = tables.make(
        sort=True, AttributeDefinitions=ATTRIBUTES, GlobalSecondaryIndexes=GLOBAL, LocalSecondaryIndexes=LOCAL
    )
    keys = [("a", at) for at in range(-3, 7)] + [("b", at) for at in range(3)]
    for key, at in keys:
        item = {
            "id": {"S": key},
            "pos": {"N": str(at)},
            "n": {"N": str(-at)},
            "kept": {"S": f"{key}{at}"},
            "dropped": {"S": "x"},
        }
        if at % 2 == 0:
            item["g"] = {"S": "even"}
        db.put_item(TableName=name, Item=item)
    return name


def ats(answer: Any) -> list[int]:
    return [int(item["pos"]["N"]) for item in answer["Items"]]


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("id = :k", {}, list(range(-3, 7))),
        ("id = :k AND #at = :v", {":v": {"N": "2"}}, [2]),
        ("#at < :v AND id = :k", {":v": {"N": "-1"}}, [-3, -2]),
        ("id = :k AND #at <= :v", {":v": {"N": "-1"}}, [-3, -2, -1]),
        ("id = :k AND #at > :v", {":v": {"N": "4"}}, [5, 6]),
        (":v <= #at AND id = :k", {":v": {"N": "4"}}, [4, 5, 6]),
        ("id = :k AND (#at BETWEEN :v AND :w)", {":v": {"N": "-1"}, ":w": {"N": "1.5"}}, [-1, 0, 1]),
    ],
)
def test_key_conditions_in_both_directions(
    db: Any, filled: str, condition: str, values: dict[str, Any], expected: list[int]
) -> None:
    request: dict[str, Any] = {
        "TableName": filled,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": {":k": {"S": "a"}, **values},
    }
    if "#at" in condition:
        request["ExpressionAttributeNames"] = {"#at": "pos"}
    assert ats(db.query(**request)) == expected
    assert ats(db.query(**request, ScanIndexForward=False)) == expected[::-1]


def test_begins_with_on_a_string_sort_key(db: Any, tables: Tables) -> None:
    name = tables.make(
        AttributeDefinitions=[{"AttributeName": "r", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
    )
    for sort in ("a", "ab", "abc", "b", "ä"):
        db.put_item(TableName=name, Item={"id": {"S": "k"}, "r": {"S": sort}})
    found = db.query(
        TableName=name,
        KeyConditionExpression="id = :k AND begins_with(r, :p)",
        ExpressionAttributeValues={":k": {"S": "k"}, ":p": {"S": "ab"}},
    )
    assert [item["r"]["S"] for item in found["Items"]] == ["ab", "abc"]
    everything = db.query(
        TableName=name, KeyConditionExpression="id = :k", ExpressionAttributeValues={":k": {"S": "k"}}
    )
    # Strings are ordered by their UTF-8 bytes.
    assert [item["r"]["S"] for item in everything["Items"]] == ["a", "ab", "abc", "b", "ä"]


def test_a_filter_counts_what_it_looked_at(db: Any, filled: str) -> None:
    answer = db.query(
        TableName=filled,
        KeyConditionExpression="id = :k",
        FilterExpression="n < :zero",
        ExpressionAttributeValues={":k": {"S": "a"}, ":zero": {"N": "0"}},
    )
    assert (answer["Count"], answer["ScannedCount"]) == (6, 10)
    counted = db.query(
        TableName=filled,
        KeyConditionExpression="id = :k",
        Select="COUNT",
        ExpressionAttributeValues={":k": {"S": "a"}},
    )
    assert counted["Count"] == 10
    assert "Items" not in counted


def test_a_limit_counts_before_the_filter_and_gives_a_key_to_go_on(db: Any, filled: str) -> None:
    request = {
        "TableName": filled,
        "KeyConditionExpression": "id = :k",
        "FilterExpression": "n < :zero",
        "ExpressionAttributeValues": {":k": {"S": "a"}, ":zero": {"N": "0"}},
        "Limit": 5,
    }
    first = db.query(**request)
    assert (first["Count"], first["ScannedCount"]) == (1, 5)
    assert first["LastEvaluatedKey"] == {"id": {"S": "a"}, "pos": {"N": "1"}}
    second = db.query(**request, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert ats(second) == [2, 3, 4, 5, 6]
    # The limit was reached with the very last item: DynamoDB does not know that yet.
    assert second["LastEvaluatedKey"]["pos"] == {"N": "6"}
    third = db.query(**request, ExclusiveStartKey=second["LastEvaluatedKey"])
    assert third["Items"] == []
    assert "LastEvaluatedKey" not in third


def test_a_page_ends_at_one_megabyte(db: Any, tables: Tables) -> None:
    name = tables.make(sort=True)
    for at in range(5):
        db.put_item(TableName=name, Item={"id": {"S": "a"}, "pos": {"N": str(at)}, "v": {"S": "x" * 300_000}})
    pages = list(db.get_paginator("scan").paginate(TableName=name))
    assert len(pages) == 2
    assert sorted(at for page in pages for at in ats(page)) == list(range(5))


def test_a_global_index_is_sparse_sorted_and_holds_what_it_projects(db: Any, filled: str) -> None:
    request: dict[str, Any] = {
        "TableName": filled,
        "IndexName": "by-g",
        "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": "even"}},
    }
    found = db.query(**request)
    assert [int(item["n"]["N"]) for item in found["Items"]] == [-6, -4, -2, -2, 0, 0, 2]
    assert set(found["Items"][0]) == {"id", "pos", "g", "n", "kept"}
    page = db.query(**request, Limit=3)
    assert set(page["LastEvaluatedKey"]) == {"id", "pos", "g", "n"}
    rest = db.query(**request, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert page["Items"] + rest["Items"] == found["Items"]
    assert "Consistent reads are not supported on global secondary indexes" in message(
        lambda: db.query(**request, ConsistentRead=True)
    )
    assert "Select type ALL_ATTRIBUTES is not supported for global secondary index by-g" in message(
        lambda: db.query(**request, Select="ALL_ATTRIBUTES")
    )


def test_a_local_index_fetches_from_the_table_what_it_is_asked_for(db: Any, filled: str) -> None:
    request: dict[str, Any] = {
        "TableName": filled,
        "IndexName": "by-n",
        "KeyConditionExpression": "id = :k",
        "ExpressionAttributeValues": {":k": {"S": "b"}},
        "ConsistentRead": True,
    }
    held = db.query(**request)
    assert ats(held) == [2, 1, 0]
    assert set(held["Items"][0]) == {"id", "pos", "n"}
    fetched = db.query(**request, Select="ALL_ATTRIBUTES")
    assert fetched["Items"][0]["dropped"] == {"S": "x"}
    chosen = db.query(**request, ProjectionExpression="dropped")
    assert chosen["Items"] == [{"dropped": {"S": "x"}}] * 3


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"KeyConditionExpression": "pos = :v"}, "Query condition missed key schema element: id"),
        ({"KeyConditionExpression": "id > :k"}, "Query key condition not supported"),
        ({"KeyConditionExpression": "id = :k AND n = :v"}, "Query condition missed key schema element: pos"),
        (
            {"KeyConditionExpression": "id = :k OR pos = :v"},
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        ({"KeyConditionExpression": "id = :v"}, "Condition parameter type does not match schema type"),
        (
            {"KeyConditionExpression": "id = :k", "FilterExpression": "pos = :v"},
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: pos",
        ),
        (
            {"KeyConditionExpression": "id = :k AND pos = :v", "IndexName": "none"},
            "The table does not have the specified index: none",
        ),
        (
            {"KeyConditionExpression": "id = :k AND pos = :v", "ExclusiveStartKey": {"id": {"S": "a"}}},
            "The provided starting key is invalid",
        ),
        ({"KeyConditionExpression": "id = :k AND pos > :v AND pos < :v"}, "one condition per key"),
    ],
)
def test_queries_that_are_refused(db: Any, filled: str, request_: dict[str, Any], words: str) -> None:
    text = " ".join(str(value) for value in request_.values())
    values = {":k": {"S": "a"}, ":v": {"N": "1"}}
    used = {name: value for name, value in values.items() if name in text}
    assert words in message(lambda: db.query(TableName=filled, ExpressionAttributeValues=used, **request_))


def test_a_scan_in_segments_finds_every_item_once(db: Any, filled: str) -> None:
    found = []
    for segment in range(4):
        for page in db.get_paginator("scan").paginate(
            TableName=filled, Segment=segment, TotalSegments=4, Limit=3
        ):
            found += [(item["id"]["S"], int(item["pos"]["N"])) for item in page["Items"]]
    assert sorted(found) == [("a", at) for at in range(-3, 7)] + [("b", at) for at in range(3)]
    assert "less than parameter TotalSegments" in message(
        lambda: db.scan(TableName=filled, Segment=4, TotalSegments=4)
    )


def test_query_with_legacy_conditions(db: Any, filled: str) -> None:
    found = db.query(
        TableName=filled,
        KeyConditions={
            "id": {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "EQ"},
            "pos": {"AttributeValueList": [{"N": "4"}], "ComparisonOperator": "GE"},
        },
        QueryFilter={"n": {"AttributeValueList": [{"N": "-5"}], "ComparisonOperator": "NE"}},
    )
    assert ats(found) == [4, 6]
