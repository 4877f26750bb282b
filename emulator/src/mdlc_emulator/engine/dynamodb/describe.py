"""A table as DescribeTable shows it: what is not set is left out, never empty."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine.dynamodb.table import Index, Table


def description(table: Table, status: str = "ACTIVE", index_status: str = "ACTIVE") -> dict[str, Any]:
    """The TableDescription of `table`."""
    shape: dict[str, Any] = {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in sorted(table.attributes.items())
        ],
        "TableName": table.name,
        "KeySchema": table.keys.shape(),
        "TableStatus": status,
        "CreationDateTime": datetime.fromtimestamp(round(table.made, 3), UTC),
        "ProvisionedThroughput": _throughput(table.throughput),
        "TableSizeBytes": table.bytes,
        "ItemCount": len(table.items),
        "TableArn": table.arn,
        "TableId": table.id,
        "DeletionProtectionEnabled": bool(table.settings.get("DeletionProtectionEnabled")),
    }
    if table.billing == "PAY_PER_REQUEST":
        shape["BillingModeSummary"] = {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": datetime.fromtimestamp(
                round(table.settings.get("pay_per_request_since", table.made), 3), UTC
            ),
        }
    for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
        found = [index for index in list(table.indexes.values()) if index.is_global is is_global]
        if found:
            shape[member] = [_index(index, index_status) for index in found]
    if table.stream is not None:
        shape["LatestStreamLabel"] = table.stream.label
        shape["LatestStreamArn"] = table.stream.arn
        if table.stream.enabled:
            shape["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream.view}
    if table.settings.get("SSESpecification", {}).get("Enabled"):
        sse = table.settings["SSESpecification"]
        owner = table.arn.replace(":dynamodb:", ":kms:").rsplit(":", 1)[0]
        shape["SSEDescription"] = {
            "Status": "ENABLED",
            "SSEType": "KMS",
            "KMSMasterKeyArn": sse.get("KMSMasterKeyId", f"{owner}:alias/aws/dynamodb"),
        }
    if table_class := table.settings.get("TableClass"):
        shape["TableClassSummary"] = {"TableClass": table_class}
    if limits := table.settings.get("OnDemandThroughput"):
        shape["OnDemandThroughput"] = limits
    return shape


def _throughput(units: dict[str, int]) -> dict[str, int]:
    return {"NumberOfDecreasesToday": 0, **units}


def _index(index: Index, status: str) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": index.keys.shape(),
        "Projection": index.projection,
        "IndexSizeBytes": index.bytes,
        "ItemCount": index.order.count,
        "IndexArn": index.arn,
    }
    if index.is_global:
        shape["IndexStatus"] = status
        shape["ProvisionedThroughput"] = _throughput(index.throughput or {})
    return shape
