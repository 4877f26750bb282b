"""Tables: definition, description, change, removal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.dynamodb.conftest import Tables, message

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html"
)

INDEX = {
    "IndexName": "by-g",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
G = [{"AttributeName": "g", "AttributeType": "S"}]


def test_a_table_is_described_with_what_it_has_and_nothing_empty(db: Any, tables: Tables) -> None:
    name = tables.make()
    table = db.describe_table(TableName=name)["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["TableArn"].endswith(f":table/{name}")
    assert len(table["TableId"]) == 36
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": 0,
        "WriteCapacityUnits": 0,
    }
    assert table["ItemCount"] == 0
    assert table["TableSizeBytes"] == 0
    assert table["DeletionProtectionEnabled"] is False
    absent = {"GlobalSecondaryIndexes", "LocalSecondaryIndexes", "LatestStreamArn", "StreamSpecification"}
    assert not absent & table.keys()


def test_a_new_table_is_creating_and_a_deleted_one_deleting(db: Any, unique: Callable[[str], str]) -> None:
    name = unique("table")
    made = db.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    )["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert made["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    assert "BillingModeSummary" not in made
    db.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    assert db.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"
    db.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    assert f"Table: {name} not found" in message(
        lambda: db.describe_table(TableName=name), "ResourceNotFoundException"
    )


def test_a_name_can_be_taken_once(db: Any, tables: Tables) -> None:
    name = tables.make()
    text = message(
        lambda: db.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        ),
        "ResourceInUseException",
    )
    assert text == f"Table already exists: {name}"


def test_items_of_a_missing_table(db: Any, unique: Callable[[str], str]) -> None:
    name = unique("missing")
    for call in (
        lambda: db.get_item(TableName=name, Key={"id": {"S": "a"}}),
        lambda: db.put_item(TableName=name, Item={"id": {"S": "a"}}),
        lambda: db.scan(TableName=name),
    ):
        assert message(call, "ResourceNotFoundException") == "Requested resource not found"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"AttributeDefinitions": []}, "not defined in AttributeDefinitions"),
        ({"KeySchema": [{"AttributeName": "id", "KeyType": "RANGE"}]}, "is not a HASH key type"),
        (
            {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, *G]},
            "Number of attributes in KeySchema does not exactly match",
        ),
        (
            {"BillingMode": "PROVISIONED"},
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        ),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified",
        ),
        ({"TableName": "no"}, "Member must have length greater than or equal to 3"),
        ({"TableName": "no spaces"}, "Member must satisfy regular expression pattern"),
        ({"BillingMode": "FREE"}, "Member must satisfy enum value set"),
        ({"GlobalSecondaryIndexes": []}, "List of GlobalSecondaryIndexes is empty"),
        (
            {
                "LocalSecondaryIndexes": [INDEX],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, *G],
            },
            "same leading hash key",
        ),
        (
            {
                "GlobalSecondaryIndexes": [INDEX, INDEX],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, *G],
            },
            "Duplicate index name: by-g",
        ),
        ({"StreamSpecification": {"StreamEnabled": True}}, "StreamViewType"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(
    aws: Aws, unique: Callable[[str], str], change: dict[str, Any], words: str
) -> None:
    from botocore.config import Config

    # The client would refuse some of these by itself: the service has to.
    client = aws.client("dynamodb", config=Config(parameter_validation=False))
    request = {
        "TableName": unique("table"),
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    assert words in message(lambda: client.create_table(**(request | change)))


def test_a_global_index_can_be_added_and_taken_away(db: Any, tables: Tables) -> None:
    name = tables.make()
    db.put_item(TableName=name, Item={"id": {"S": "a"}, "g": {"S": "x"}})
    changed = db.update_table(
        TableName=name, AttributeDefinitions=G, GlobalSecondaryIndexUpdates=[{"Create": INDEX}]
    )["TableDescription"]
    assert changed["TableStatus"] == "UPDATING"
    assert [index["IndexName"] for index in changed["GlobalSecondaryIndexes"]] == ["by-g"]
    found = db.query(
        TableName=name,
        IndexName="by-g",
        KeyConditionExpression="g = :g",
        ExpressionAttributeValues={":g": {"S": "x"}},
    )
    assert found["Items"] == [{"id": {"S": "a"}, "g": {"S": "x"}}]
    db.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    table = db.describe_table(TableName=name)["Table"]
    assert "GlobalSecondaryIndexes" not in table
    assert table["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "S"}]


def test_a_protected_table_is_not_deleted(db: Any, tables: Tables) -> None:
    name = tables.make(DeletionProtectionEnabled=True)
    assert "protected against deletion" in message(lambda: db.delete_table(TableName=name))
    db.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_tables_are_listed_in_pages(aws: Aws, unique: Callable[[str], str]) -> None:
    client = aws.at(account="222222222222").client("dynamodb")
    names = sorted(unique("listed") for _ in range(3))
    for name in names:
        client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    first = client.list_tables(Limit=2)
    assert first == first | {"TableNames": names[:2], "LastEvaluatedTableName": names[1]}
    rest = client.list_tables(ExclusiveStartTableName=names[1])
    assert rest["TableNames"] == names[2:]
    assert "LastEvaluatedTableName" not in rest
    for name in names:
        client.delete_table(TableName=name)


def test_tags(db: Any, tables: Tables) -> None:
    name = tables.make(Tags=[{"Key": "team", "Value": "a"}])
    arn = db.describe_table(TableName=name)["Table"]["TableArn"]
    db.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    db.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert db.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]


def test_time_to_live_is_switched_once(db: Any, tables: Tables) -> None:
    name = tables.make()
    assert db.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "DISABLED"
    }
    spec = {"Enabled": True, "AttributeName": "until"}
    assert (
        db.update_time_to_live(TableName=name, TimeToLiveSpecification=spec)["TimeToLiveSpecification"]
        == spec
    )
    described = db.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert described["AttributeName"] == "until"
    assert described["TimeToLiveStatus"] in ("ENABLING", "ENABLED")


def test_accounts_and_regions_are_kept_apart(aws: Aws, tables: Tables) -> None:
    name = tables.make()
    aws.client("dynamodb").put_item(TableName=name, Item={"id": {"S": "here"}})
    for other in (aws.at(region="eu-west-1"), aws.at(account="111111111111")):
        client = other.client("dynamodb")
        assert name not in client.list_tables()["TableNames"]
        assert message(lambda client=client: client.scan(TableName=name), "ResourceNotFoundException")
        client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        assert client.scan(TableName=name)["Count"] == 0
        client.delete_table(TableName=name)
