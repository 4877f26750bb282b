"""Items: put, get, update, delete; what DynamoDB refuses, in its words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.dynamodb.conftest import Tables, message, refused

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html"),
    pytest.mark.source("https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"),
]


def test_every_type_comes_back_as_it_went(db: Any, tables: Tables) -> None:
    name = tables.make()
    item = {
        "id": {"S": "a"},
        "empty": {"S": ""},
        "n": {"N": "-12.5"},
        "b": {"B": b"\x00\xff"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "l": {"L": [{"S": "x"}, {"N": "1"}, {"B": b"\x01"}]},
        "m": {"M": {"deep": {"M": {"er": {"L": []}}}}},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2.5"]},
        "bs": {"BS": [b"1", b"\xfe"]},
    }
    db.put_item(TableName=name, Item=item)
    assert db.get_item(TableName=name, Key={"id": {"S": "a"}})["Item"] == item


def test_get_of_a_missing_item_has_no_item(db: Any, tables: Tables) -> None:
    answer = db.get_item(TableName=tables.make(), Key={"id": {"S": "none"}})
    assert set(answer) == {"ResponseMetadata"}


def test_numbers_keep_38_digits_and_lose_their_ornaments(db: Any, tables: Tables) -> None:
    name = tables.make()
    for given, kept in {
        "1.0": "1",
        "007": "7",
        "-0": "0",
        "1e3": "1000",
        "1.50E-2": "0.015",
        "12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
    }.items():
        db.put_item(TableName=name, Item={"id": {"S": "a"}, "n": {"N": given}})
        assert db.get_item(TableName=name, Key={"id": {"S": "a"}})["Item"]["n"] == {"N": kept}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
        ({"N": "1e126"}, "magnitude larger than supported range"),
        ({"N": "1e-131"}, "magnitude smaller than supported range"),
        ({"N": "one"}, "The parameter cannot be converted to a numeric value: one"),
        ({"SS": []}, "An string set  may not be empty"),
        ({"SS": ["a", "a"]}, "Input collection [a, a] contains duplicates"),
        ({"NS": ["1", "1.0"]}, "contains duplicates"),
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set"),
        ({"NULL": False}, "Null attribute value types must have the value of true"),
        ({"S": "x" * 409_600}, "Item size has exceeded the maximum allowed size"),
    ],
)
def test_values_that_cannot_be_stored(db: Any, tables: Tables, value: dict[str, Any], words: str) -> None:
    name = tables.make()
    assert words in message(lambda: db.put_item(TableName=name, Item={"id": {"S": "a"}, "v": value}))


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"x": {"S": "a"}}, "Missing the key id in the item"),
        ({"id": {"N": "1"}}, "Type mismatch for key id expected: S actual: N"),
        ({"id": {"S": ""}}, "cannot contain an empty string value. Key: id"),
        ({"id": {"S": "k" * 2049}}, "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
    ],
)
def test_keys_that_cannot_be_stored(db: Any, tables: Tables, item: dict[str, Any], words: str) -> None:
    name = tables.make()
    assert words in message(lambda: db.put_item(TableName=name, Item=item))


def test_a_key_that_does_not_fit_the_schema(db: Any, tables: Tables) -> None:
    name = tables.make()
    for key in ({"id": {"N": "1"}}, {"id": {"S": "a"}, "more": {"S": "b"}}, {"other": {"S": "a"}}):
        text = message(lambda key=key: db.get_item(TableName=name, Key=key))
        assert text == "The provided key element does not match the schema"


def test_an_item_of_just_400_kb_is_stored(db: Any, tables: Tables) -> None:
    name = tables.make()
    # Names count: "id" and "v" are 3 bytes, the key is 1.
    text = "x" * (400 * 1024 - 4)
    db.put_item(TableName=name, Item={"id": {"S": "a"}, "v": {"S": text}})
    assert "exceeded the maximum allowed size" in message(
        lambda: db.put_item(TableName=name, Item={"id": {"S": "a"}, "v": {"S": text + "x"}})
    )
    assert "Item size to update has exceeded the maximum allowed size" in message(
        lambda: db.update_item(
            TableName=name,
            Key={"id": {"S": "a"}},
            UpdateExpression="SET w = :w",
            ExpressionAttributeValues={":w": {"S": "x"}},
        )
    )


def test_put_and_delete_return_the_old_item_only_when_there_was_one(db: Any, tables: Tables) -> None:
    name = tables.make()
    first = db.put_item(TableName=name, Item={"id": {"S": "a"}}, ReturnValues="ALL_OLD")
    assert "Attributes" not in first
    second = db.put_item(TableName=name, Item={"id": {"S": "a"}, "n": {"N": "1"}}, ReturnValues="ALL_OLD")
    assert second["Attributes"] == {"id": {"S": "a"}}
    gone = db.delete_item(TableName=name, Key={"id": {"S": "a"}}, ReturnValues="ALL_OLD")
    assert gone["Attributes"]["n"] == {"N": "1"}
    again = db.delete_item(TableName=name, Key={"id": {"S": "a"}}, ReturnValues="ALL_OLD")
    assert "Attributes" not in again
    assert "ReturnValues can only be ALL_OLD or NONE" in message(
        lambda: db.put_item(TableName=name, Item={"id": {"S": "a"}}, ReturnValues="ALL_NEW")
    )


def test_an_update_with_all_its_clauses(db: Any, tables: Tables) -> None:
    name = tables.make()
    key = {"id": {"S": "a"}}
    db.put_item(
        TableName=name,
        Item=key
        | {
            "n": {"N": "1"},
            "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
            "m": {"M": {"x": {"S": "old"}, "y": {"S": "stays"}}},
            "tags": {"SS": ["a", "b", "c"]},
        },
    )
    answer = db.update_item(
        TableName=name,
        Key=key,
        UpdateExpression=(
            "SET m.x = :new, l[5] = :last, #c = if_not_exists(#c, :zero) + n, joined = list_append(l, :more) "
            "REMOVE l[0] ADD n :two, extra :set DELETE tags :drop"
        ),
        ExpressionAttributeNames={"#c": "count"},
        ExpressionAttributeValues={
            ":new": {"S": "new"},
            ":last": {"N": "9"},
            ":zero": {"N": "0"},
            ":more": {"L": [{"S": "z"}]},
            ":two": {"N": "2"},
            ":set": {"NS": ["7"]},
            ":drop": {"SS": ["b"]},
        },
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert sorted(answer.pop("tags")["SS"]) == ["a", "c"]
    assert answer == key | {
        "n": {"N": "3"},
        "count": {"N": "1"},
        "l": {"L": [{"N": "1"}, {"N": "2"}, {"N": "9"}]},
        "joined": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"S": "z"}]},
        "m": {"M": {"x": {"S": "new"}, "y": {"S": "stays"}}},
        "extra": {"NS": ["7"]},
    }


def test_an_update_makes_the_item_and_returns_what_it_was_asked_for(db: Any, tables: Tables) -> None:
    name = tables.make()

    def update(what: str, text: str) -> Any:
        return db.update_item(
            TableName=name,
            Key={"id": {"S": "a"}},
            UpdateExpression="SET v = :v",
            ExpressionAttributeValues={":v": {"S": text}},
            ReturnValues=what,
        ).get("Attributes")

    assert update("UPDATED_OLD", "1") is None
    assert update("UPDATED_OLD", "2") == {"v": {"S": "1"}}
    assert update("UPDATED_NEW", "3") == {"v": {"S": "3"}}
    assert update("ALL_OLD", "4") == {"id": {"S": "a"}, "v": {"S": "3"}}
    assert update("NONE", "5") is None


def test_a_set_that_loses_its_last_element_is_gone(db: Any, tables: Tables) -> None:
    name = tables.make()
    db.put_item(TableName=name, Item={"id": {"S": "a"}, "s": {"SS": ["x"]}})
    answer = db.update_item(
        TableName=name,
        Key={"id": {"S": "a"}},
        UpdateExpression="DELETE s :x",
        ExpressionAttributeValues={":x": {"SS": ["x"]}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"] == {"id": {"S": "a"}}


@pytest.mark.parametrize(
    ("expression", "values", "words"),
    [
        ("SET id = :v", {":v": {"S": "b"}}, "Cannot update attribute id. This attribute is part of the key"),
        (
            "SET v = absent + :v",
            {":v": {"N": "1"}},
            "refers to an attribute that does not exist in the item",
        ),
        (
            "SET v = s + :v",
            {":v": {"N": "1"}},
            "An operand in the update expression has an incorrect data type",
        ),
        ("SET a.b = :v", {":v": {"N": "1"}}, "document path provided in the update expression is invalid"),
        ("SET v = :v, v = :v", {":v": {"N": "1"}}, "Two document paths overlap with each other"),
        ("SET v = :v REMOVE v.w", {":v": {"N": "1"}}, "Two document paths overlap with each other"),
        ("ADD s :v", {":v": {"S": "1"}}, "operator: ADD, operand type: STRING"),
        ("DELETE s :v", {":v": {"N": "1"}}, "operator: DELETE, operand type: NUMBER"),
        ("SET name = :v", {":v": {"S": "1"}}, "Attribute name is a reserved keyword; reserved keyword: name"),
        ("SET v = :v SET w = :v", {":v": {"S": "1"}}, 'The "SET" section can only be used once'),
        ("SET v = :w", {":v": {"S": "1"}}, "attribute value: :w"),
        ("SET v = :v", {":v": {"S": "1"}, ":w": {"S": "1"}}, "unused in expressions: keys: {:w}"),
        ("SET #v = :v", {":v": {"S": "1"}}, "attribute name: #v"),
        ("SET v : :v", {":v": {"S": "1"}}, "Syntax error; token:"),
        ("SET v = nonsense(v, :v)", {":v": {"S": "1"}}, "Invalid function name; function: nonsense"),
        ("", {":v": {"S": "1"}}, "The expression can not be empty"),
    ],
)
def test_updates_that_are_refused(
    db: Any, tables: Tables, expression: str, values: dict[str, Any], words: str
) -> None:
    name = tables.make()
    item = {"id": {"S": "a"}, "s": {"S": "text"}}
    db.put_item(TableName=name, Item=item)
    text = message(
        lambda: db.update_item(
            TableName=name,
            Key={"id": {"S": "a"}},
            UpdateExpression=expression,
            ExpressionAttributeValues=values,
        )
    )
    assert words in text
    assert db.get_item(TableName=name, Key={"id": {"S": "a"}})["Item"] == item


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ("attribute_exists(n)", {}, True),
        ("attribute_not_exists(absent)", {}, True),
        ("attribute_type(n, :v)", {":v": {"S": "N"}}, True),
        ("n = :v", {":v": {"N": "5.0"}}, True),
        ("n = :v", {":v": {"S": "5"}}, False),
        ("n <> :v", {":v": {"S": "5"}}, True),
        ("absent <> :v", {":v": {"S": "5"}}, True),
        ("absent < :v", {":v": {"S": "5"}}, False),
        ("n BETWEEN :v AND :w", {":v": {"N": "5"}, ":w": {"N": "6"}}, True),
        ("n IN (:v, :w)", {":v": {"N": "4"}, ":w": {"N": "5"}}, True),
        ("begins_with(s, :v)", {":v": {"S": "te"}}, True),
        ("contains(s, :v)", {":v": {"S": "ex"}}, True),
        ("contains(l, :v)", {":v": {"N": "2"}}, True),
        ("contains(ss, :v)", {":v": {"S": "a"}}, True),
        ("size(s) = :v", {":v": {"N": "4"}}, True),
        ("size(l) > :v", {":v": {"N": "2"}}, False),
        ("l[1] = :v AND m.x = :w", {":v": {"N": "2"}, ":w": {"S": "y"}}, True),
        ("NOT n = :v OR n = :v AND s = :w", {":v": {"N": "5"}, ":w": {"S": "no"}}, False),
        ("(NOT n = :v OR n = :v) AND s = :w", {":v": {"N": "5"}, ":w": {"S": "text"}}, True),
        ("ss = :v", {":v": {"SS": ["b", "a"]}}, True),
    ],
)
def test_conditions(db: Any, tables: Tables, condition: str, values: dict[str, Any], holds: bool) -> None:
    name = tables.make()
    item = {
        "id": {"S": "a"},
        "n": {"N": "5"},
        "s": {"S": "text"},
        "l": {"L": [{"N": "1"}, {"N": "2"}]},
        "m": {"M": {"x": {"S": "y"}}},
        "ss": {"SS": ["a", "b"]},
    }
    db.put_item(TableName=name, Item=item)
    request: dict[str, Any] = {"ConditionExpression": condition}
    if values:
        request["ExpressionAttributeValues"] = values

    def delete() -> Any:
        return db.delete_item(TableName=name, Key={"id": {"S": "a"}}, **request)

    if holds:
        delete()
    else:
        assert message(delete, "ConditionalCheckFailedException") == "The conditional request failed"
    assert ("Item" in db.get_item(TableName=name, Key={"id": {"S": "a"}})) is not holds


def test_a_failed_condition_returns_the_item_when_asked(db: Any, tables: Tables) -> None:
    name = tables.make()
    item = {"id": {"S": "a"}, "b": {"B": b"\x01\x02"}}
    db.put_item(TableName=name, Item=item)
    request = {"TableName": name, "Item": item, "ConditionExpression": "attribute_not_exists(id)"}
    assert "Item" not in refused(lambda: db.put_item(**request))
    answer = refused(lambda: db.put_item(**request, ReturnValuesOnConditionCheckFailure="ALL_OLD"))
    assert answer["Error"]["Code"] == "ConditionalCheckFailedException"
    assert answer["Item"] == item


def test_consumed_capacity_only_when_asked(db: Any, tables: Tables) -> None:
    name = tables.make()
    item = {"id": {"S": "a"}, "v": {"S": "x" * 1500}}
    assert "ConsumedCapacity" not in db.put_item(TableName=name, Item=item)
    put = db.put_item(TableName=name, Item=item, ReturnConsumedCapacity="TOTAL")
    assert put["ConsumedCapacity"] == {"TableName": name, "CapacityUnits": 2.0}
    key = {"id": {"S": "a"}}
    got = db.get_item(TableName=name, Key=key, ReturnConsumedCapacity="INDEXES")
    assert got["ConsumedCapacity"] == {
        "TableName": name,
        "CapacityUnits": 0.5,
        "Table": {"CapacityUnits": 0.5},
    }
    strong = db.get_item(TableName=name, Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert strong["ConsumedCapacity"]["CapacityUnits"] == 1.0


def test_a_projection_returns_the_paths_it_names(db: Any, tables: Tables) -> None:
    name = tables.make()
    db.put_item(
        TableName=name,
        Item={
            "id": {"S": "a"},
            "m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}},
            "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]},
        },
    )
    answer = db.get_item(
        TableName=name,
        Key={"id": {"S": "a"}},
        ProjectionExpression="m.#x, l[2], l[0], absent",
        ExpressionAttributeNames={"#x": "x"},
    )
    assert answer["Item"] == {"m": {"M": {"x": {"N": "1"}}}, "l": {"L": [{"N": "0"}, {"N": "2"}]}}


def test_parameters_that_expressions_replaced_still_work(db: Any, tables: Tables) -> None:
    name = tables.make()
    key = {"id": {"S": "a"}}
    db.put_item(TableName=name, Item=key | {"n": {"N": "1"}}, Expected={"id": {"Exists": False}})
    assert message(
        lambda: db.put_item(TableName=name, Item=key, Expected={"id": {"Exists": False}}),
        "ConditionalCheckFailedException",
    )
    db.update_item(
        TableName=name,
        Key=key,
        AttributeUpdates={
            "n": {"Action": "ADD", "Value": {"N": "4"}},
            "s": {"Action": "PUT", "Value": {"S": "x"}},
        },
    )
    got = db.get_item(TableName=name, Key=key, AttributesToGet=["n", "s"])
    assert got["Item"] == {"n": {"N": "5"}, "s": {"S": "x"}}
    assert "Can not use both expression and non-expression parameters" in message(
        lambda: db.get_item(TableName=name, Key=key, AttributesToGet=["n"], ProjectionExpression="n")
    )


@pytest.mark.source("https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html")
def test_partiql_selects_by_key(db: Any, tables: Tables) -> None:
    name = tables.make()
    db.put_item(TableName=name, Item={"id": {"S": "a"}, "n": {"N": "1"}})
    answer = db.execute_statement(Statement=f'SELECT * FROM "{name}" WHERE id = ?', Parameters=[{"S": "a"}])
    assert answer["Items"] == [{"id": {"S": "a"}, "n": {"N": "1"}}]
