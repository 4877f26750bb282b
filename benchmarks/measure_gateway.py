"""The gateway beyond the headline figures: small calls as boto3 sees them, their CPU, the ledger's share."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from mdlc_emulator.engine.fidelity.ledger import Fidelity, Key, Ledger
from mdlc_emulator.engine.fidelity.resource import resource_of

from benchmarks.clients import CREDENTIALS
from benchmarks.measure_invoke import _engine_cpu, _timed
from benchmarks.samples import percentile

CALLS = 300
WARM_UP = 30
RECORDS = 100_000

type Row = dict[str, Any]


def run(endpoint_url: str) -> list[Row]:
    """The figures of the emulator at `endpoint_url`."""
    return [*_small_calls(endpoint_url), _ledger()]


def _small_calls(endpoint_url: str) -> Iterator[Row]:
    session = boto3.Session(**CREDENTIALS)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=endpoint_url)

    sts, sqs, s3 = client("sts"), client("sqs"), client("s3")
    name = f"bench-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    s3.create_bucket(Bucket=name)
    body = b"x" * 1024

    def put() -> None:
        s3.put_object(Bucket=name, Key="k", Body=body)

    def get() -> None:
        if s3.get_object(Bucket=name, Key="k")["Body"].read() != body:
            raise RuntimeError("S3 returned another object than was put")

    def send() -> None:
        if not sqs.send_message(QueueUrl=queue, MessageBody="m")["MessageId"]:
            raise RuntimeError("SQS took no message")

    try:
        yield from _of("sts get_caller_identity", sts.get_caller_identity, endpoint_url)
        yield from _of("sqs send_message", send, endpoint_url)
        yield from _of("s3 put_object, 1 KiB", put, endpoint_url)
        yield from _of("s3 get_object, 1 KiB", get, endpoint_url)
    finally:
        sqs.delete_queue(QueueUrl=queue)
        s3.delete_object(Bucket=name, Key="k")
        s3.delete_bucket(Bucket=name)


def _of(name: str, call: Callable[[], object], endpoint_url: str) -> Iterator[Row]:
    for _ in range(WARM_UP):
        call()
    before = _engine_cpu(endpoint_url)
    took = _timed(call, CALLS)
    cpu = (_engine_cpu(endpoint_url) - before) / CALLS * 1000
    yield {"name": f"{name}, p50", "ours": percentile(took, 0.5), "unit": "ms", "target": 3.0, "stretch": 2.0}
    yield {"name": f"{name}, p99", "ours": percentile(took, 0.99), "unit": "ms"}
    yield {"name": f"{name}, CPU of the engine per call", "ours": cpu, "unit": "ms"}


def _ledger() -> Row:
    """CPU of naming a call's resource and counting it, over 400 resources."""
    ledger = Ledger()
    requests = [{"Bucket": "bucket", "Key": f"key-{number}"} for number in range(400)]
    since = time.process_time()
    for number in range(RECORDS):
        resource = resource_of("s3", requests[number % 400])
        ledger.record(Key(Fidelity.EXECUTED, "s3", "PutObject", resource, "0", "key", "us-east-1", False))
    took = (time.process_time() - since) / RECORDS
    if sum(ledger.totals().values()) != RECORDS:
        raise RuntimeError("the ledger lost calls")
    return {
        "name": "fidelity ledger, per call",
        "ours": took * 1e6,
        "unit": "us",
        "target": 20.0,
        "stretch": 5.0,
    }
