"""Which method answers which Kinesis operation. What is not listed here is answered as unsupported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.kinesis.admin import Admin
from mdlc_emulator.engine.kinesis.consumers import Consumers, Policies, Tags
from mdlc_emulator.engine.kinesis.records import Records
from mdlc_emulator.engine.kinesis.store import StreamStore


def operations(
    store: StreamStore, records: Records
) -> dict[str, Callable[[Caller, dict[str, Any]], dict[str, Any]]]:
    """Kinesis operation -> what answers it."""
    admin, consumers = Admin(store), Consumers(store)
    policies, tags = Policies(store), Tags(store)
    return {
        "PutRecord": records.put_record,
        "PutRecords": records.put_records,
        "GetShardIterator": records.get_shard_iterator,
        "GetRecords": records.get_records,
        "SubscribeToShard": records.subscribe_to_shard,
        "CreateStream": admin.create_stream,
        "DeleteStream": admin.delete_stream,
        "DescribeStream": admin.describe_stream,
        "DescribeStreamSummary": admin.describe_stream_summary,
        "DescribeLimits": admin.describe_limits,
        "ListStreams": admin.list_streams,
        "ListShards": admin.list_shards,
        "SplitShard": admin.split_shard,
        "MergeShards": admin.merge_shards,
        "UpdateShardCount": admin.update_shard_count,
        "UpdateStreamMode": admin.update_stream_mode,
        "UpdateMaxRecordSize": admin.update_max_record_size,
        "IncreaseStreamRetentionPeriod": admin.increase_retention,
        "DecreaseStreamRetentionPeriod": admin.decrease_retention,
        "StartStreamEncryption": admin.encrypt,
        "StopStreamEncryption": admin.decrypt,
        "EnableEnhancedMonitoring": admin.enable_monitoring,
        "DisableEnhancedMonitoring": admin.disable_monitoring,
        "RegisterStreamConsumer": consumers.register,
        "DeregisterStreamConsumer": consumers.deregister,
        "DescribeStreamConsumer": consumers.describe,
        "ListStreamConsumers": consumers.list,
        "PutResourcePolicy": policies.put,
        "GetResourcePolicy": policies.get,
        "DeleteResourcePolicy": policies.delete,
        "AddTagsToStream": tags.add,
        "RemoveTagsFromStream": tags.remove,
        "ListTagsForStream": tags.list,
        "TagResource": tags.tag,
        "UntagResource": tags.untag,
        "ListTagsForResource": tags.list_resource,
    }
