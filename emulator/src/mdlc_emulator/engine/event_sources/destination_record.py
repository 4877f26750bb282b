"""What a mapping sends to its on-failure destination.

Source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html and
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine.event_sources.delivery import Delivered


def invocation_record(
    kind: str,
    stream_arn: str,
    shard_id: str,
    records: Sequence[Delivered],
    *,
    function_arn: str,
    condition: str,
    tries: int,
    context: dict[str, Any],
    now: float,
) -> dict[str, Any]:
    """The JSON document about records that were given up; `kind` is kinesis or dynamodb."""
    milliseconds = kind == "kinesis"
    batch = {
        "shardId": shard_id,
        "startSequenceNumber": records[0].sequence,
        "endSequenceNumber": records[-1].sequence,
        "approximateArrivalOfFirstRecord": _date(records[0].arrived, milliseconds=milliseconds),
        "approximateArrivalOfLastRecord": _date(records[-1].arrived, milliseconds=milliseconds),
        "batchSize": len(records),
        "streamArn": stream_arn,
    }
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": context.get("requestId", str(uuid.uuid4())),
            "functionArn": function_arn,
            "condition": condition,
            "approximateInvokeCount": tries,
        }
    }
    if "responseContext" in context:
        record["responseContext"] = context["responseContext"]
    record |= {
        "version": "1.0",
        "timestamp": _date(now, milliseconds=True),
        "KinesisBatchInfo" if kind == "kinesis" else "DDBStreamBatchInfo": batch,
    }
    return record


def s3_key(mapping_id: str, shard_id: str, now: float) -> str:
    """Where in a bucket an invocation record goes."""
    moment = datetime.fromtimestamp(now, UTC)
    return f"aws/lambda/{mapping_id}/{shard_id}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def _date(seconds: float, *, milliseconds: bool) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{int(seconds * 1000) % 1000:03d}Z" if milliseconds else f"{text}Z"
