"""Array jobs and dependencies."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.batch.conftest import GUIDE, REFERENCE, Batch, Job, refusal
from tests.waiting import eventually

pytestmark = pytest.mark.source(f"{GUIDE}/array_jobs.html")


def children(batch: Batch, job_id: str, size: int) -> list[Job]:
    ids = [f"{job_id}:{index}" for index in range(size)]
    found = {each["jobId"]: each for each in batch.client.describe_jobs(jobs=ids)["jobs"]}
    return [found[each] for each in ids]


def overlaps(jobs: Iterable[Job]) -> bool:
    """Whether two of the jobs ran at one moment."""
    times = sorted((each["startedAt"], each["stoppedAt"]) for each in jobs)
    return any(later[0] < earlier[1] for earlier, later in itertools.pairwise(times))


def test_every_child_runs_and_knows_its_index(batch: Batch, queue: str) -> None:
    definition = batch.shell("echo $AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE")
    parent = batch.run(queue, definition, arrayProperties={"size": 4})
    assert parent["status"] == "SUCCEEDED"
    assert parent["arrayProperties"]["size"] == 4
    summary = parent["arrayProperties"]["statusSummary"]
    assert summary["SUCCEEDED"] == 4
    assert sum(summary.values()) == 4
    found = children(batch, parent["jobId"], 4)
    assert [each["arrayProperties"]["index"] for each in found] == [0, 1, 2, 3]
    assert [batch.lines(each) for each in found] == [[f"{index} of 4"] for index in range(4)]


def test_one_failed_child_fails_the_array(batch: Batch, queue: str) -> None:
    definition = batch.shell("exit $AWS_BATCH_JOB_ARRAY_INDEX")
    parent = batch.run(queue, definition, arrayProperties={"size": 2})
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "Array Child Job failed")
    assert parent["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 1
    assert parent["arrayProperties"]["statusSummary"]["FAILED"] == 1
    assert [each["status"] for each in children(batch, parent["jobId"], 2)] == ["SUCCEEDED", "FAILED"]


def test_the_parent_is_pending_while_its_children_run(batch: Batch, queue: str) -> None:
    job_id = batch.submit(queue, batch.shell("sleep 60"), arrayProperties={"size": 2})
    batch.until(f"{job_id}:1", "RUNNING")
    assert batch.job(job_id)["status"] == "PENDING"
    batch.client.terminate_job(jobId=job_id, reason="stop all")
    parent = batch.ended(job_id)
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "stop all")
    assert {each["statusReason"] for each in children(batch, job_id, 2)} == {"stop all"}


@pytest.mark.source(f"{REFERENCE}/API_ListJobs.html")
def test_children_are_listed_by_their_array(batch: Batch, queue: str) -> None:
    parent = batch.run(queue, batch.shell("true"), arrayProperties={"size": 3})
    client = batch.client
    pages = client.get_paginator("list_jobs").paginate(
        arrayJobId=parent["jobId"], jobStatus="SUCCEEDED", PaginationConfig={"PageSize": 2}
    )
    found = [each for page in pages for each in page["jobSummaryList"]]
    assert [each["arrayProperties"]["index"] for each in found] == [0, 1, 2]
    assert client.list_jobs(arrayJobId=parent["jobId"])["jobSummaryList"] == []
    named = [{"name": "JOB_NAME", "values": ["job"]}]
    in_queue = client.list_jobs(jobQueue=queue, filters=named)["jobSummaryList"]
    assert parent["jobId"] in {each["jobId"] for each in in_queue}
    assert not [each for each in in_queue if ":" in each["jobId"]]


@pytest.mark.source(f"{GUIDE}/job_dependencies.html")
def test_a_job_waits_for_those_it_depends_on(batch: Batch, queue: str) -> None:
    first = batch.submit(queue, batch.shell("sleep 0.3"))
    second = batch.submit(queue, batch.shell("sleep 0.1"))
    third = batch.submit(queue, batch.shell("true"), dependsOn=[{"jobId": first}, {"jobId": second}])
    assert batch.job(third)["status"] in ("SUBMITTED", "PENDING")
    job = batch.ended(third)
    assert job["status"] == "SUCCEEDED"
    assert [each["jobId"] for each in job["dependsOn"]] == [first, second]
    assert job["startedAt"] >= max(batch.job(each)["stoppedAt"] for each in (first, second))


@pytest.mark.source(f"{GUIDE}/job_dependencies.html")
def test_a_failed_dependency_fails_those_that_wait(batch: Batch, queue: str) -> None:
    first = batch.submit(queue, batch.shell("sleep 0.3; exit 1"))
    second = batch.submit(queue, batch.shell("echo never"), dependsOn=[{"jobId": first}])
    third = batch.submit(queue, batch.shell("echo never"), dependsOn=[{"jobId": second}])
    for job_id in (second, third):
        job = batch.ended(job_id)
        assert (job["status"], job["statusReason"]) == ("FAILED", "Dependent Job failed")
        assert job["attempts"] == []
    late = batch.run(queue, batch.shell("echo never"), dependsOn=[{"jobId": first}])
    assert late["statusReason"] == "Dependent Job failed"


@pytest.mark.source(f"{GUIDE}/job_dependencies.html")
def test_a_dependency_on_an_array_waits_for_all_of_it(batch: Batch, queue: str) -> None:
    array = batch.submit(queue, batch.shell("sleep 0.2"), arrayProperties={"size": 3})
    after = batch.ended(batch.submit(queue, batch.shell("true"), dependsOn=[{"jobId": array}]))
    assert after["status"] == "SUCCEEDED"
    assert after["startedAt"] >= max(each["stoppedAt"] for each in children(batch, array, 3))


@pytest.mark.source(f"{GUIDE}/example_array_job.html")
def test_a_dependency_on_one_child(batch: Batch, queue: str) -> None:
    array = batch.submit(queue, batch.shell("exit $AWS_BATCH_JOB_ARRAY_INDEX"), arrayProperties={"size": 2})
    good = batch.run(queue, batch.shell("true"), dependsOn=[{"jobId": f"{array}:0"}])
    bad = batch.run(queue, batch.shell("true"), dependsOn=[{"jobId": f"{array}:1"}])
    assert (good["status"], bad["status"]) == ("SUCCEEDED", "FAILED")


@pytest.mark.source(f"{GUIDE}/job_dependencies.html")
def test_sequential_children_run_one_after_the_other(batch: Batch, queue: str) -> None:
    parent = batch.run(
        queue, batch.shell("sleep 0.05"), arrayProperties={"size": 4}, dependsOn=[{"type": "SEQUENTIAL"}]
    )
    assert parent["status"] == "SUCCEEDED"
    found = children(batch, parent["jobId"], 4)
    assert not overlaps(found)
    assert [each["startedAt"] for each in found] == sorted(each["startedAt"] for each in found)


@pytest.mark.source(f"{GUIDE}/job_dependencies.html")
def test_the_first_failure_of_a_sequence_is_its_end(batch: Batch, queue: str) -> None:
    definition = batch.shell('[ "$AWS_BATCH_JOB_ARRAY_INDEX" != 1 ]')
    parent = batch.run(queue, definition, arrayProperties={"size": 4}, dependsOn=[{"type": "SEQUENTIAL"}])
    assert parent["status"] == "FAILED"
    found = children(batch, parent["jobId"], 4)
    assert [each["status"] for each in found] == ["SUCCEEDED", "FAILED", "FAILED", "FAILED"]
    assert [each["statusReason"] for each in found[2:]] == ["Dependent Job failed"] * 2


@pytest.mark.source(f"{GUIDE}/job_dependencies.html")
def test_n_to_n_lets_each_child_wait_for_its_counterpart(batch: Batch, queue: str) -> None:
    definition = batch.shell('[ "$AWS_BATCH_JOB_ARRAY_INDEX" != 1 ] || sleep 60')
    first = batch.submit(queue, definition, arrayProperties={"size": 2})
    second = batch.submit(
        queue,
        batch.shell("true"),
        arrayProperties={"size": 2},
        dependsOn=[{"jobId": first, "type": "N_TO_N"}],
    )
    done = batch.ended(f"{second}:0")
    assert done["status"] == "SUCCEEDED"
    assert done["startedAt"] >= batch.job(f"{first}:0")["stoppedAt"]
    batch.until(f"{first}:1", "RUNNING")
    assert batch.job(f"{second}:1")["status"] == "PENDING"
    batch.client.terminate_job(jobId=f"{first}:1", reason="enough")
    assert batch.ended(f"{second}:1")["statusReason"] == "Dependent Job failed"


@pytest.mark.source(f"{REFERENCE}/API_SubmitJob.html")
@pytest.mark.parametrize(
    "settings",
    [
        {"arrayProperties": {"size": 1}},
        {"arrayProperties": {"size": 10_001}},
        {"dependsOn": [{"type": "SEQUENTIAL"}]},
        {"dependsOn": [{"jobId": "00000000-0000-0000-0000-000000000000"}]},
        {"dependsOn": [{"type": "N_TO_N", "jobId": "00000000-0000-0000-0000-000000000000"}]},
        {"dependsOn": [{}]},
        {"dependsOn": [{"jobId": "00000000-0000-0000-0000-000000000000"}] * 21},
    ],
)
def test_arrays_and_dependencies_that_make_no_sense_are_refused(
    batch: Batch, queue: str, settings: dict[str, Any]
) -> None:
    definition = batch.shell("true")
    with pytest.raises(ClientError) as error:
        batch.submit(queue, definition, **settings)
    refusal(error)


def test_waiting_children_of_a_cancelled_array_never_run(batch: Batch) -> None:
    queue = batch.queue(batch.environment(1))
    whole = {"resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]}
    definition = batch.shell("sleep 1", container=whole)
    job_id = batch.submit(queue, definition, arrayProperties={"size": 3})
    eventually(lambda: batch.job(f"{job_id}:0")["status"] == "RUNNING", within=60)
    batch.client.cancel_job(jobId=job_id, reason="no more")
    parent = batch.ended(job_id)
    assert (parent["status"], parent["statusReason"]) == ("FAILED", "no more")
    found = children(batch, job_id, 3)
    assert [each["status"] for each in found] == ["SUCCEEDED", "FAILED", "FAILED"]
    assert [len(each["attempts"]) for each in found] == [1, 0, 0]
