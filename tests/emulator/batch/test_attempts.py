"""Attempts in real containers, where time is shorter than the API allows."""

from __future__ import annotations

from pathlib import Path

import pytest
from mdlc_emulator.engine import clock
from mdlc_emulator.engine.batch.dispatch import TOO_LARGE
from mdlc_emulator.engine.batch.model import RETENTION_SECONDS, Status
from mdlc_emulator.engine.clock import ManualClock
from mdlc_emulator.engine.containers.host import HostContainers

from tests.emulator.batch.conftest import CALLER, Engine
from tests.emulator.conftest import variable
from tests.waiting import eventually


def test_an_attempt_that_takes_too_long_is_killed_and_not_tried_again(engine: Engine) -> None:
    job = engine.submit("sleep", "60", retryStrategy={"attempts": 3}, timeout={"attemptDurationSeconds": 60})
    job.timeout = 1
    engine.ended(job)
    assert (job.status, job.status_reason) == (Status.FAILED, "Job attempt duration exceeded timeout")
    [attempt] = job.attempts
    assert attempt.exit_code == 143
    assert attempt.started is not None
    assert attempt.stopped is not None
    assert 1 <= attempt.stopped - attempt.started < 5


def test_all_output_is_stored_before_the_job_is_over(engine: Engine) -> None:
    job = engine.ended(engine.submit("sh", "-c", "seq 2000"))
    stream = engine.world.streams[job.attempts[0].stream]
    assert (len(stream.lines), stream.closed) == (2000, True)


def test_a_program_that_is_missing_fails_the_attempt_with_its_name(engine: Engine) -> None:
    job = engine.ended(engine.submit("no-such-program"))
    assert job.status is Status.FAILED
    assert "no-such-program" in (job.attempts[0].reason or "") or job.attempts[0].exit_code == 127


def test_secrets_are_in_the_environment_and_not_in_the_description(engine: Engine) -> None:
    engine.world.secrets["s"] = "hidden"
    engine.define("d", "sh", "-c", "echo $TOKEN")
    definition = engine.store.of(CALLER).definitions["d"][-1]
    definition.members["containerProperties"]["secrets"] = [{"name": "TOKEN", "valueFrom": "s"}]
    job = engine.ended(engine.submit())
    assert engine.world.streams[job.attempts[0].stream].lines == ["hidden"]
    assert "hidden" not in str(engine.call("DescribeJobs", jobs=[job.id]))
    assert "hidden" not in str(engine.world.events)


def test_a_job_that_blocks_its_queue_for_too_long_is_cancelled(engine: Engine) -> None:
    queue = engine.store.of(CALLER).queues["q"]
    limit = {"reason": TOO_LARGE, "state": "RUNNABLE", "maxTimeSeconds": 600, "action": "CANCEL"}
    queue.limits = [limit | {"maxTimeSeconds": 1}]
    large = engine.submit(
        containerOverrides={"resourceRequirements": [{"type": "VCPU", "value": "5"}], "command": ["true"]}
    )
    behind = engine.submit("true")
    blocked = eventually(lambda: [each for each in engine.world.events if "Blocked" in each[0]])
    assert blocked[0][0] == "Batch Job Queue Blocked"
    assert blocked[0][1]["jobId"] == large.id
    assert engine.ended(large).status_reason == (
        f"Canceled by JobStateTimeLimit action due to reason: {TOO_LARGE}"
    )
    assert engine.ended(behind).status is Status.SUCCEEDED


def test_a_reset_ends_what_runs_and_leaves_no_capacity_taken(engine: Engine) -> None:
    job = engine.submit("sleep", "60")
    eventually(lambda: job.status is Status.RUNNING)
    assert job.current is not None
    container = job.current.container
    assert container is not None
    engine.batch.dispatcher.forget_all()
    engine.store.clear()
    assert container.wait(20) is not None
    engine.ready(4)
    done = [engine.submit("true") for _ in range(8)]
    assert {engine.ended(each).status for each in done} == {Status.SUCCEEDED}


def test_states_are_passed_in_order_and_announced(engine: Engine) -> None:
    job = engine.ended(engine.submit("true"))
    changes = [
        detail["status"]
        for kind, detail in engine.world.events
        if kind == "Batch Job State Change" and detail["jobId"] == job.id
    ]
    assert changes == ["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


def test_jobs_are_forgotten_a_week_after_their_end(engine: Engine) -> None:
    job = engine.ended(engine.submit("true"))
    real = clock.clock()
    try:
        clock.use_clock(ManualClock(clock.now() + RETENTION_SECONDS - 60))
        assert len(engine.call("DescribeJobs", jobs=[job.id])["jobs"]) == 1
        clock.use_clock(ManualClock(clock.now() + 120))
        assert engine.call("DescribeJobs", jobs=[job.id])["jobs"] == []
    finally:
        clock.use_clock(real)


@pytest.mark.parametrize("image", ["not-here"])
def test_an_image_that_nobody_knows_fails_at_the_start(engine: Engine, image: str) -> None:
    engine.store.of(CALLER).definitions["d"][-1].members["containerProperties"]["image"] = image
    job = engine.ended(engine.submit("true"))
    assert (job.status, job.attempts[0].exit_code) == (Status.FAILED, None)
    assert job.attempts[0].reason == "CannotPullContainerError: not-here"
    assert job.attempts[0].started is None


def test_a_read_only_root_is_kept_or_the_job_does_not_start(tmp_path: Path) -> None:
    """Where there are no namespaces it could write to the machine's own files."""
    mark = tmp_path / "written"
    with variable("MDLC_CONTAINERS", "off"):
        containers = HostContainers(tmp_path / "containers")
        try:
            engine = Engine(lambda: containers)
            engine.ready()
            properties = engine.store.of(CALLER).definitions["d"][-1].members["containerProperties"]
            properties["readonlyRootFilesystem"] = True
            job = engine.ended(engine.submit("touch", str(mark)))
        finally:
            containers.stop_all()
    assert job.status is Status.FAILED
    assert "readonlyRootFilesystem cannot be kept" in (job.attempts[0].reason or "")
    assert not mark.exists()
