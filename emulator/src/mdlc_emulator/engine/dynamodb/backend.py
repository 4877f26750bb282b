"""Which method answers which operation of DynamoDB and its streams; what is missing here is unsupported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.dynamodb.admin import Admin, Upkeep
from mdlc_emulator.engine.dynamodb.backups import Backups
from mdlc_emulator.engine.dynamodb.batches import Batches
from mdlc_emulator.engine.dynamodb.items import Items
from mdlc_emulator.engine.dynamodb.reads import Reads
from mdlc_emulator.engine.dynamodb.store import TableStore
from mdlc_emulator.engine.dynamodb.stream_api import Streams
from mdlc_emulator.engine.dynamodb.transactions import Transactions

type Operations = dict[str, Callable[[Caller, dict[str, Any]], dict[str, Any]]]


def table_operations(store: TableStore) -> Operations:
    items, reads, batches = Items(store), Reads(store), Batches(store)
    transactions, admin, upkeep = Transactions(store), Admin(store), Upkeep(store)
    backups = Backups(store)
    return {
        "GetItem": items.get_item,
        "PutItem": items.put_item,
        "UpdateItem": items.update_item,
        "DeleteItem": items.delete_item,
        "Query": reads.query,
        "Scan": reads.scan,
        "BatchGetItem": batches.get,
        "BatchWriteItem": batches.write,
        "TransactGetItems": transactions.get,
        "TransactWriteItems": transactions.write,
        "CreateTable": admin.create_table,
        "UpdateTable": admin.update_table,
        "DeleteTable": admin.delete_table,
        "DescribeTable": admin.describe_table,
        "ListTables": admin.list_tables,
        "UpdateTimeToLive": upkeep.update_ttl,
        "DescribeTimeToLive": upkeep.describe_ttl,
        "TagResource": upkeep.tag,
        "UntagResource": upkeep.untag,
        "ListTagsOfResource": upkeep.list_tags,
        "DescribeLimits": upkeep.describe_limits,
        "DescribeContinuousBackups": backups.describe_continuous,
        "UpdateContinuousBackups": backups.update_continuous,
        "RestoreTableToPointInTime": backups.restore_to_time,
        "CreateBackup": backups.create,
        "DescribeBackup": backups.describe,
        "ListBackups": backups.list,
        "DeleteBackup": backups.delete,
        "RestoreTableFromBackup": backups.restore_backup,
    }


def stream_operations(store: TableStore) -> Operations:
    streams = Streams(store)
    return {
        "ListStreams": streams.list_streams,
        "DescribeStream": streams.describe_stream,
        "GetShardIterator": streams.get_shard_iterator,
        "GetRecords": streams.get_records,
    }
