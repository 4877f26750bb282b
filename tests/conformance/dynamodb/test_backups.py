"""Backups on demand and point-in-time recovery; tables by CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.dynamodb.conftest import Tables, message
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html"
)
ON = {"PointInTimeRecoveryEnabled": True}


def items(db: Any, name: str) -> list[str]:
    return sorted(item["id"]["S"] for item in db.scan(TableName=name)["Items"])


def put(db: Any, name: str, *keys: str) -> None:
    for key in keys:
        db.put_item(TableName=name, Item={"id": {"S": key}})


def test_a_table_is_restored_to_a_moment(db: Any, tables: Tables, unique: Callable[[str], str]) -> None:
    name, restored = tables.make(), unique("restored")
    assert "Point in time recovery is not enabled" in message(
        lambda: db.restore_table_to_point_in_time(
            SourceTableName=name, TargetTableName=restored, UseLatestRestorableTime=True
        ),
        "PointInTimeRecoveryUnavailableException",
    )
    answer = db.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=ON)
    recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    put(db, name, "a", "b")
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    eventually(lambda: datetime.now(UTC) > moment)
    put(db, name, "c")
    db.delete_item(TableName=name, Key={"id": {"S": "a"}})
    db.restore_table_to_point_in_time(SourceTableName=name, TargetTableName=restored, RestoreDateTime=moment)
    tables.made.append(restored)
    assert items(db, restored) == ["a", "b"]
    assert items(db, name) == ["b", "c"]
    assert message(
        lambda: db.restore_table_to_point_in_time(
            SourceTableName=name,
            TargetTableName=unique("never"),
            RestoreDateTime=moment - timedelta(days=1),
        ),
        "InvalidRestoreTimeException",
    )


@pytest.mark.source(
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/backuprestore_HowItWorks.html"
)
def test_a_backup_is_restored_under_another_name(
    db: Any, tables: Tables, unique: Callable[[str], str]
) -> None:
    name, restored = tables.make(), unique("restored")
    put(db, name, "a")
    made = db.create_backup(TableName=name, BackupName="first")["BackupDetails"]
    assert (made["BackupName"], made["BackupType"]) == ("first", "USER")
    arn = made["BackupArn"]
    put(db, name, "b")
    [listed] = db.list_backups(TableName=name)["BackupSummaries"]
    assert listed["BackupArn"] == arn
    described = db.describe_backup(BackupArn=arn)["BackupDescription"]
    assert described["SourceTableDetails"]["ItemCount"] == 1
    db.restore_table_from_backup(TargetTableName=restored, BackupArn=arn)
    tables.made.append(restored)
    assert items(db, restored) == ["a"]
    assert message(
        lambda: db.restore_table_from_backup(TargetTableName=name, BackupArn=arn),
        "TableAlreadyExistsException",
    )
    db.delete_backup(BackupArn=arn)
    assert message(lambda: db.describe_backup(BackupArn=arn), "BackupNotFoundException")


@pytest.mark.source(
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-dynamodb-table.html"
)
def test_a_table_made_by_cloudformation_has_all_its_properties_and_can_change(
    aws: Aws, db: Any, unique: Callable[[str], str]
) -> None:
    name, stack = unique("table"), unique("stack")
    client = aws.client("cloudformation")
    properties: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "PointInTimeRecoverySpecification": ON,
        "SSESpecification": {"SSEEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "DeletionProtectionEnabled": True,
        "Tags": [{"Key": "team", "Value": "1"}],
    }

    def template() -> str:
        table = {"Type": "AWS::DynamoDB::Table", "Properties": properties}
        return json.dumps({"Resources": {"Table": table}})

    client.create_stack(StackName=stack, TemplateBody=template())
    client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    table = db.describe_table(TableName=name)["Table"]
    assert table["DeletionProtectionEnabled"] is True
    assert table["SSEDescription"]["Status"] == "ENABLED"
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert db.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == properties["Tags"]
    backups = db.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert db.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["AttributeName"] == "until"
    put(db, name, "kept")
    properties["DeletionProtectionEnabled"] = False
    properties["AttributeDefinitions"].append({"AttributeName": "g", "AttributeType": "S"})
    properties["GlobalSecondaryIndexes"] = [
        {
            "IndexName": "by-g",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ]
    client.update_stack(StackName=stack, TemplateBody=template())
    client.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    table = db.describe_table(TableName=name)["Table"]
    assert table["DeletionProtectionEnabled"] is False
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by-g"]
    assert items(db, name) == ["kept"]
    client.delete_stack(StackName=stack)
    client.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    assert message(lambda: db.describe_table(TableName=name), "ResourceNotFoundException")
