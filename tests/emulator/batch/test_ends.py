"""However an emulator ends, no job outlives it, and the next one knows nothing of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.launcher import Instance, start

from tests.conformance.batch.conftest import IMAGE
from tests.emulator.test_ends import Traces, assert_nothing_left, client
from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("ends")


def run_job(instance: Instance, *command: str) -> str:
    """The id of a job that runs `command`."""
    batch: Any = client(instance, "batch")
    resources = {
        "type": "EC2",
        "maxvCpus": 4,
        "instanceTypes": ["optimal"],
        "instanceRole": "r",
        "subnets": ["subnet-1"],
    }
    batch.create_compute_environment(computeEnvironmentName="e", type="MANAGED", computeResources=resources)
    eventually(lambda: batch.describe_compute_environments()["computeEnvironments"][0]["status"] == "VALID")
    batch.create_job_queue(
        jobQueueName="q", priority=1, computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "e"}]
    )
    sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
    batch.register_job_definition(
        jobDefinitionName="d",
        type="container",
        containerProperties={"image": IMAGE, "command": list(command), "resourceRequirements": sizes},
    )
    job_id: str = batch.submit_job(jobName="j", jobQueue="q", jobDefinition="d")["jobId"]
    eventually(lambda: batch.describe_jobs(jobs=[job_id])["jobs"][0]["status"] == "RUNNING")
    return job_id


@pytest.fixture
def busy(own_state: Path) -> Iterator[tuple[Instance, Traces]]:
    """An instance with a job that ignores SIGTERM and has begun a grandchild of its own session."""
    instance = start()
    try:
        run_job(instance, "sh", "-c", "trap '' TERM; setsid sleep 300 & sleep 300; sleep 300")
        traces = Traces.of(instance)
        yield instance, traces
    finally:
        instance.stop()


def test_stopping_ends_its_jobs(busy: tuple[Instance, Traces]) -> None:
    instance, traces = busy
    instance.stop()
    assert_nothing_left(traces)


@pytest.mark.long
def test_killing_the_engine_ends_its_jobs(busy: tuple[Instance, Traces]) -> None:
    instance, traces = busy
    record = instance.record()
    assert record is not None
    os.kill(record.engine_pid, signal.SIGKILL)
    assert_nothing_left(traces)
