"""A container's output in CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.batch.conftest import Batch
from tests.emulator.containers.conftest import jobs_of

LIMIT = 262_144 - 26


@pytest.fixture(scope="module")
def batch(aws: Aws) -> Iterator[Batch]:
    made = jobs_of(aws)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def queue(batch: Batch) -> str:
    return batch.queue(batch.environment())


def events(aws: Aws, batch: Batch, queue: str, script: str) -> list[dict[str, int | str]]:
    """What `script` wrote, as it can be read the moment that its end is told."""
    job = batch.run(queue, batch.define("python3", "-c", script))
    logs = aws.client("logs")
    where = {"logGroupName": "/aws/batch/job", "logStreamName": job["container"]["logStreamName"]}
    found, token = [], {}
    while True:
        page = logs.get_log_events(**where, startFromHead=True, **token)
        if not page["events"]:
            return found
        found += page["events"]
        token = {"nextToken": page["nextForwardToken"]}


def test_every_line_is_an_event_in_order_when_the_job_ends(aws: Aws, batch: Batch, queue: str) -> None:
    began = time.time() * 1000
    found = events(aws, batch, queue, "for n in range(12000): print(n)")
    assert [event["message"] for event in found] == [str(number) for number in range(12000)]
    times = [int(event["timestamp"]) for event in found]
    assert times == sorted(times)
    assert began - 1 <= times[0] <= times[-1] <= time.time() * 1000


def test_empty_lines_are_left_out_and_long_ones_cut(aws: Aws, batch: Batch, queue: str) -> None:
    script = "import sys; sys.stdout.buffer.write(b'a\\n\\n' + '€'.encode() * 200_000 + b'\\n\\xff\\n')"
    found = [str(event["message"]) for event in events(aws, batch, queue, script)]
    assert found[0] == "a"
    assert found[-1] == "\ufffd"
    assert "".join(found[1:-1]) == "€" * 200_000
    assert len(found) == 5
    assert max(len(piece.encode()) for piece in found) <= LIMIT
