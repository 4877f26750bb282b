"""Cancel, terminate, time out, and try again."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.batch.conftest import GUIDE, REFERENCE, Batch, refusal
from tests.waiting import eventually

pytestmark = pytest.mark.source(f"{REFERENCE}/API_TerminateJob.html")


def test_terminate_stops_a_running_job(batch: Batch, queue: str) -> None:
    job_id = batch.submit(queue, batch.shell("trap 'echo bye; exit 3' TERM; echo up; sleep 60 & wait"))
    running = batch.until(job_id, "RUNNING")
    eventually(lambda: "up" in batch.lines(running), within=20)
    batch.client.terminate_job(jobId=job_id, reason="enough")
    job = batch.ended(job_id)
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "enough"
    assert job["isTerminated"] is True
    assert job["container"]["exitCode"] == 3
    assert batch.lines(job)[-1] == "bye"


def test_a_terminated_job_has_failed_even_if_it_exits_with_zero(batch: Batch, queue: str) -> None:
    job_id = batch.submit(queue, batch.shell("trap 'exit 0' TERM; echo up; sleep 60 & wait"))
    running = batch.until(job_id, "RUNNING")
    eventually(lambda: "up" in batch.lines(running), within=20)
    batch.client.terminate_job(jobId=job_id, reason="enough")
    job = batch.ended(job_id)
    assert (job["status"], job["statusReason"], job["container"]["exitCode"]) == ("FAILED", "enough", 0)


def test_a_terminated_job_is_not_tried_again(batch: Batch, queue: str) -> None:
    job_id = batch.submit(queue, batch.shell("sleep 60"), retryStrategy={"attempts": 5})
    batch.until(job_id, "RUNNING")
    batch.client.terminate_job(jobId=job_id, reason="enough")
    assert len(batch.ended(job_id)["attempts"]) == 1


@pytest.mark.source(f"{REFERENCE}/API_CancelJob.html")
def test_cancel_leaves_a_running_job_alone(batch: Batch, queue: str) -> None:
    job_id = batch.submit(queue, batch.shell("sleep 0.5"))
    batch.until(job_id, "RUNNING")
    batch.client.cancel_job(jobId=job_id, reason="too late")
    assert batch.ended(job_id)["status"] == "SUCCEEDED"


@pytest.mark.source(f"{REFERENCE}/API_CancelJob.html")
def test_a_job_that_waits_for_a_place_is_cancelled(batch: Batch) -> None:
    queue = batch.queue(batch.environment(1))
    whole = {"resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]}
    definition = batch.shell("sleep 60", container=whole)
    first = batch.submit(queue, definition)
    second = batch.submit(queue, definition)
    batch.until(first, "RUNNING")
    batch.until(second, "RUNNABLE")
    batch.client.cancel_job(jobId=second, reason="not needed")
    job = batch.ended(second)
    assert (job["status"], job["statusReason"]) == ("FAILED", "not needed")
    assert job["isCancelled"] is True
    assert job["attempts"] == []
    assert "startedAt" not in job
    batch.client.terminate_job(jobId=first, reason="over")
    assert batch.ended(first)["statusReason"] == "over"


@pytest.mark.source(f"{REFERENCE}/API_CancelJob.html")
def test_a_pending_job_is_cancelled_when_what_it_waits_for_is_over(batch: Batch, queue: str) -> None:
    first = batch.submit(queue, batch.shell("sleep 1"))
    second = batch.submit(queue, batch.shell("echo never"), dependsOn=[{"jobId": first}])
    batch.until(second, "PENDING")
    batch.client.cancel_job(jobId=second, reason="changed my mind")
    assert batch.job(second)["status"] == "PENDING"
    job = batch.ended(second)
    assert (job["status"], job["statusReason"]) == ("FAILED", "changed my mind")
    assert batch.job(first)["status"] == "SUCCEEDED"


def test_ending_what_is_over_or_unknown_succeeds(batch: Batch, queue: str) -> None:
    job = batch.run(queue, batch.shell("true"))
    batch.client.cancel_job(jobId=job["jobId"], reason="r")
    batch.client.terminate_job(jobId=job["jobId"], reason="r")
    batch.client.terminate_job(jobId="00000000-0000-0000-0000-000000000000", reason="r")
    assert batch.job(job["jobId"])["status"] == "SUCCEEDED"


@pytest.mark.source(f"{REFERENCE}/API_CancelJobs.html")
def test_many_jobs_are_cancelled_at_once(batch: Batch, queue: str) -> None:
    first = batch.submit(queue, batch.shell("sleep 0.3"))
    definition = batch.shell("echo never")
    ids = [batch.submit(queue, definition, dependsOn=[{"jobId": first}]) for _ in range(2)]
    unknown = "00000000-0000-0000-0000-000000000000"
    answer = batch.client.cancel_jobs(jobs=[*ids, unknown], reason="none of them")
    assert (sorted(answer["successful"]), answer["errors"]) == (sorted([*ids, unknown]), [])
    for job_id in ids:
        job = batch.ended(job_id)
        assert (job["status"], job["statusReason"]) == ("FAILED", "none of them")
    with pytest.raises(ClientError) as error:
        batch.client.cancel_jobs(jobs=["x"] * 51, reason="too many")
    refusal(error)


@pytest.mark.source(f"{REFERENCE}/API_TerminateJobs.html")
def test_many_jobs_are_ended_at_once(batch: Batch, queue: str) -> None:
    definition = batch.shell("sleep 60")
    ids = [batch.submit(queue, definition) for _ in range(3)]
    answer = batch.client.terminate_jobs(jobs=ids, reason="all")
    assert (sorted(answer["successful"]), answer["errors"]) == (sorted(ids), [])
    for job_id in ids:
        assert batch.ended(job_id)["statusReason"] == "all"


@pytest.mark.long
@pytest.mark.source(f"{GUIDE}/job_timeouts.html")
def test_an_attempt_that_takes_too_long_is_ended_and_not_tried_again(batch: Batch, queue: str) -> None:
    definition = batch.shell("sleep 600", timeout={"attemptDurationSeconds": 60})
    job_id = batch.submit(queue, definition, retryStrategy={"attempts": 3})
    job = batch.ended(job_id, within=180)
    assert (job["status"], job["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert job["timeout"] == {"attemptDurationSeconds": 60}
    assert len(job["attempts"]) == 1
    assert job["stoppedAt"] - job["startedAt"] >= 60_000


@pytest.mark.source(f"{GUIDE}/job_timeouts.html")
def test_a_timeout_has_sixty_seconds_at_least(batch: Batch, queue: str) -> None:
    with pytest.raises(ClientError) as error:
        batch.shell("true", timeout={"attemptDurationSeconds": 59})
    assert "60" in refusal(error)


FAILS_TWICE = 'echo try $AWS_BATCH_JOB_ATTEMPT; [ "$AWS_BATCH_JOB_ATTEMPT" = 3 ] || exit 5'


@pytest.mark.source(f"{GUIDE}/job_retries.html")
def test_a_failed_job_is_tried_again_until_it_succeeds(batch: Batch, queue: str) -> None:
    job = batch.run(queue, batch.shell(FAILS_TWICE, retryStrategy={"attempts": 4}))
    assert job["status"] == "SUCCEEDED"
    assert [each["container"]["exitCode"] for each in job["attempts"]] == [5, 5, 0]
    streams = [each["container"]["logStreamName"] for each in job["attempts"]]
    assert len(set(streams)) == 3
    assert job["container"]["logStreamName"] == streams[-1]
    assert batch.lines(job) == ["try 3"]


@pytest.mark.source(f"{GUIDE}/job_retries.html")
def test_attempts_are_an_upper_bound(batch: Batch, queue: str) -> None:
    definition = batch.shell("exit 1", retryStrategy={"attempts": 5})
    job = batch.run(queue, definition, retryStrategy={"attempts": 2})
    assert (job["status"], len(job["attempts"])) == ("FAILED", 2)


@pytest.mark.source(f"{REFERENCE}/API_EvaluateOnExit.html")
@pytest.mark.parametrize(
    ("conditions", "attempts"),
    [
        ([{"onExitCode": "5", "action": "EXIT"}], 1),
        ([{"onExitCode": "5", "action": "exit"}], 1),
        ([{"onExitCode": "6", "action": "EXIT"}], 3),
        ([{"onExitCode": "5*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}], 3),
        ([{"onStatusReason": "Essential container*", "action": "EXIT"}], 1),
        ([{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onExitCode": "*", "action": "EXIT"}], 1),
        ([{"onStatusReason": "Essential*", "onExitCode": "1*", "action": "EXIT"}], 3),
    ],
)
def test_evaluate_on_exit_decides(
    batch: Batch, queue: str, conditions: list[dict[str, str]], attempts: int
) -> None:
    definition = batch.shell("exit 5")
    strategy = {"attempts": 3, "evaluateOnExit": conditions}
    job = batch.run(queue, definition, retryStrategy=strategy)
    assert (job["status"], len(job["attempts"])) == ("FAILED", attempts)


@pytest.mark.source(f"{REFERENCE}/API_EvaluateOnExit.html")
def test_reasons_decide_too(batch: Batch, queue: str) -> None:
    conditions = [{"onReason": "CannotPullContainerError:*", "action": "EXIT"}]
    definition = batch.shell(
        "true",
        container={"image": "nobody/has-this:1"},
        retryStrategy={"attempts": 3, "evaluateOnExit": conditions},
    )
    assert len(batch.run(queue, definition)["attempts"]) == 1


@pytest.mark.source(f"{REFERENCE}/API_RetryStrategy.html")
@pytest.mark.parametrize(
    "strategy",
    [
        {},
        {"attempts": 0},
        {"attempts": 11},
        {"attempts": 2, "evaluateOnExit": [{"onExitCode": "1", "action": "RETRY"}] * 6},
        {"attempts": 2, "evaluateOnExit": [{"onExitCode": "x", "action": "RETRY"}]},
        {"attempts": 2, "evaluateOnExit": [{"onReason": "a*b", "action": "RETRY"}]},
        {"attempts": 2, "evaluateOnExit": [{"onReason": "a", "action": "AGAIN"}]},
    ],
)
def test_a_strategy_that_makes_no_sense_is_refused(batch: Batch, strategy: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        batch.shell("true", retryStrategy=strategy)
    refusal(error)
