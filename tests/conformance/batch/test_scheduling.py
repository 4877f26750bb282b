"""Who gets a place, when: capacity, order, priority, shares; and the lists of jobs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.batch.conftest import GUIDE, REFERENCE, Batch, refusal
from tests.waiting import eventually

pytestmark = pytest.mark.source(f"{GUIDE}/job_scheduling.html")

ONE = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
TWO = [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "4096"}]


def whole(batch: Batch, script: str, sizes: list[dict[str, str]] | None = None) -> str:
    return batch.shell(script, container={"resourceRequirements": sizes or ONE})


def most_at_once(jobs: list[dict[str, Any]]) -> int:
    ends = [(job["startedAt"], 1) for job in jobs] + [(job["stoppedAt"], -1) for job in jobs]
    running = highest = 0
    for _, change in sorted(ends):
        running += change
        highest = max(highest, running)
    return highest


@pytest.mark.source(f"{REFERENCE}/API_ComputeResource.html")
def test_jobs_never_hold_more_than_max_vcpus(batch: Batch) -> None:
    queue = batch.queue(batch.environment(2))
    definition = whole(batch, "sleep 0.2")
    ids = [batch.submit(queue, definition) for _ in range(5)]
    jobs = [batch.ended(each) for each in ids]
    assert {job["status"] for job in jobs} == {"SUCCEEDED"}
    assert most_at_once(jobs) == 2


def test_jobs_start_in_the_order_of_submission(batch: Batch) -> None:
    queue = batch.queue(batch.environment(1))
    definition = whole(batch, "true")
    ids = [batch.submit(queue, definition) for _ in range(5)]
    times = [batch.ended(each)["startedAt"] for each in ids]
    assert times == sorted(times)


@pytest.mark.source(f"{GUIDE}/job_queue_parameters.html")
def test_the_queue_of_higher_priority_goes_first(batch: Batch) -> None:
    environment = batch.environment(1)
    low, high = batch.queue(environment, priority=1), batch.queue(environment, priority=10)
    blocker = batch.submit(low, whole(batch, "sleep 1"))
    batch.until(blocker, "RUNNING")
    definition = whole(batch, "sleep 0.05")
    later = [batch.submit(low, definition) for _ in range(2)]
    first = [batch.submit(high, definition) for _ in range(2)]
    ended = {each: batch.ended(each)["startedAt"] for each in later + first}
    assert max(ended[each] for each in first) < min(ended[each] for each in later)


@pytest.mark.source(f"{GUIDE}/job_queue_compute_environments.html")
def test_environments_are_tried_in_their_order(batch: Batch) -> None:
    one, other = batch.environment(1), batch.environment(1)
    queue = batch.queue(one, other)
    definition = whole(batch, "echo $AWS_BATCH_CE_NAME; sleep 0.5")
    ids = [batch.submit(queue, definition) for _ in range(2)]
    assert [batch.lines(batch.ended(each)) for each in ids] == [[one], [other]]


def test_a_disabled_environment_takes_no_jobs_until_it_is_enabled(batch: Batch) -> None:
    environment = batch.environment(1)
    queue = batch.queue(environment)
    batch.client.update_compute_environment(computeEnvironment=environment, state="DISABLED")
    batch.settled(environment)
    job_id = batch.submit(queue, whole(batch, "true"))
    assert batch.until(job_id, "RUNNABLE")["status"] == "RUNNABLE"
    batch.client.update_compute_environment(computeEnvironment=environment, state="ENABLED")
    assert batch.ended(job_id)["status"] == "SUCCEEDED"


@pytest.mark.source(f"{GUIDE}/job_stuck_in_runnable.html")
def test_a_job_larger_than_its_environment_stays_runnable_and_says_why(batch: Batch) -> None:
    environment = batch.environment(1)
    queue = batch.queue(environment)
    job_id = batch.submit(queue, whole(batch, "true", TWO))
    behind = batch.submit(queue, whole(batch, "true"))
    reason = eventually(lambda: batch.job(job_id).get("statusReason"), within=120)
    assert reason.startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - ")
    assert [batch.job(each)["status"] for each in (job_id, behind)] == ["RUNNABLE", "RUNNABLE"]
    batch.client.update_compute_environment(computeEnvironment=environment, computeResources={"maxvCpus": 2})
    assert [batch.ended(each)["status"] for each in (job_id, behind)] == ["SUCCEEDED", "SUCCEEDED"]


@pytest.mark.source(f"{REFERENCE}/API_GetJobQueueSnapshot.html")
def test_a_snapshot_shows_who_is_next(batch: Batch) -> None:
    queue = batch.queue(batch.environment(1))
    definition = whole(batch, "sleep 60")
    ids = [batch.submit(queue, definition) for _ in range(3)]
    batch.until(ids[0], "RUNNING")
    batch.until(ids[2], "RUNNABLE")
    snapshot = batch.client.get_job_queue_snapshot(jobQueue=queue)
    front = [each["jobArn"].rsplit("/", 1)[-1] for each in snapshot["frontOfQueue"]["jobs"]]
    assert front == ids[1:]
    for job_id in ids:
        batch.client.terminate_job(jobId=job_id, reason="over")


@pytest.mark.long
@pytest.mark.source(f"{GUIDE}/fair-share-scheduling-policies.html")
def test_shares_take_turns(batch: Batch, unique: Any) -> None:
    policy = batch.client.create_scheduling_policy(name=unique("p"), fairsharePolicy={})["arn"]
    batch.policies.append(policy)
    queue = batch.queue(batch.environment(1), schedulingPolicyArn=policy)
    definition = whole(batch, "sleep 0.1")
    blocker = batch.submit(queue, whole(batch, "sleep 1"), shareIdentifier="other")
    batch.until(blocker, "RUNNING")
    many = [batch.submit(queue, definition, shareIdentifier="many") for _ in range(4)]
    few = [batch.submit(queue, definition, shareIdentifier="few") for _ in range(2)]
    times = {each: batch.ended(each)["startedAt"] for each in many + few}
    assert times[few[0]] < times[many[2]]
    assert batch.job(few[0])["shareIdentifier"] == "few"


@pytest.mark.source(f"{REFERENCE}/API_SubmitJob.html")
def test_scheduling_priority_orders_a_share(batch: Batch, unique: Any) -> None:
    policy = batch.client.create_scheduling_policy(name=unique("p"), fairsharePolicy={})["arn"]
    batch.policies.append(policy)
    queue = batch.queue(batch.environment(1), schedulingPolicyArn=policy)
    blocker = batch.submit(queue, whole(batch, "sleep 1"), shareIdentifier="a")
    batch.until(blocker, "RUNNING")
    definition = whole(batch, "true")
    low = batch.submit(queue, definition, shareIdentifier="a", schedulingPriorityOverride=1)
    high = batch.submit(queue, definition, shareIdentifier="a", schedulingPriorityOverride=9)
    assert batch.ended(high)["startedAt"] < batch.ended(low)["startedAt"]
    assert batch.job(high)["schedulingPriority"] == 9


@pytest.mark.source(f"{REFERENCE}/API_SubmitJob.html")
def test_shares_are_for_queues_with_a_policy(batch: Batch, environment: str, queue: str, unique: Any) -> None:
    definition = batch.shell("true")
    with pytest.raises(ClientError) as error:
        batch.submit(queue, definition, shareIdentifier="a")
    assert "fair share scheduling policy" in refusal(error)
    policy = batch.client.create_scheduling_policy(name=unique("p"), fairsharePolicy={})["arn"]
    batch.policies.append(policy)
    with pytest.raises(ClientError) as error:
        batch.submit(batch.queue(environment, schedulingPolicyArn=policy), definition)
    refusal(error)


@pytest.mark.source(f"{REFERENCE}/API_CreateSchedulingPolicy.html")
def test_a_policy_lives(batch: Batch, unique: Any) -> None:
    name = unique("policy")
    shares = [{"shareIdentifier": "a*", "weightFactor": 0.5}]
    arn = batch.client.create_scheduling_policy(
        name=name, fairsharePolicy={"shareDecaySeconds": 60, "shareDistribution": shares}
    )["arn"]
    batch.policies.append(arn)
    assert arn.endswith(f":scheduling-policy/{name}")
    [found] = batch.client.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    assert found["fairsharePolicy"]["shareDecaySeconds"] == 60
    assert found["fairsharePolicy"]["shareDistribution"] == shares
    assert {"arn": arn} in batch.client.list_scheduling_policies()["schedulingPolicies"]
    batch.client.update_scheduling_policy(arn=arn, fairsharePolicy={"shareDecaySeconds": 120})
    [found] = batch.client.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    assert found["fairsharePolicy"]["shareDecaySeconds"] == 120
    overlapping = [{"shareIdentifier": "a*"}, {"shareIdentifier": "ab"}]
    with pytest.raises(ClientError) as error:
        batch.client.update_scheduling_policy(arn=arn, fairsharePolicy={"shareDistribution": overlapping})
    refusal(error)


@pytest.mark.source(f"{REFERENCE}/API_ListJobs.html")
def test_jobs_are_listed_by_status_and_filter(batch: Batch, environment: str) -> None:
    queue = batch.queue(environment)
    good, bad, long = batch.shell("true"), batch.shell("exit 1"), batch.shell("sleep 60")
    done = [batch.submit(queue, good, jobName=f"Good-{number}") for number in range(3)]
    failed = batch.submit(queue, bad, jobName="bad")
    running = batch.submit(queue, long)
    for job_id in [*done, failed]:
        batch.ended(job_id)
    batch.until(running, "RUNNING")
    client = batch.client

    def listed(**request: Any) -> list[str]:
        pages = client.get_paginator("list_jobs").paginate(jobQueue=queue, **request)
        return [each["jobId"] for page in pages for each in page["jobSummaryList"]]

    assert listed() == [running]
    assert set(listed(jobStatus="SUCCEEDED", PaginationConfig={"PageSize": 2})) == set(done)
    [summary] = client.list_jobs(jobQueue=queue, jobStatus="FAILED")["jobSummaryList"]
    assert summary["jobId"] == failed
    assert summary["container"]["exitCode"] == 1
    assert summary["statusReason"] == "Essential container in task exited"
    assert listed(filters=[{"name": "JOB_NAME", "values": ["good-*"]}]) == done[::-1]
    assert listed(filters=[{"name": "JOB_DEFINITION", "values": [bad]}]) == [failed]
    created = str(batch.job(done[2])["createdAt"])
    assert set(listed(filters=[{"name": "BEFORE_CREATED_AT", "values": [created]}])) <= set(done[:2])
    assert set(listed(filters=[{"name": "AFTER_CREATED_AT", "values": ["1"]}])) == {
        *done,
        failed,
        running,
    }
    client.terminate_job(jobId=running, reason="over")


@pytest.mark.source(f"{REFERENCE}/API_ListJobs.html")
@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"jobQueue": "q", "arrayJobId": "a"},
        {"jobQueue": "not-there"},
        {"arrayJobId": "a", "filters": [{"name": "OTHER", "values": ["x"]}]},
        {"arrayJobId": "a", "maxResults": 0},
        {"arrayJobId": "a", "nextToken": "?"},
    ],
)
def test_a_list_that_makes_no_sense_is_refused(batch: Batch, request_: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        batch.client.list_jobs(**request_)
    refusal(error)


@pytest.mark.source(f"{REFERENCE}/API_DescribeJobs.html")
def test_describe_leaves_out_what_is_not_there(batch: Batch) -> None:
    client = batch.client
    assert client.describe_jobs(jobs=["00000000-0000-0000-0000-000000000000"])["jobs"] == []
    with pytest.raises(ClientError) as error:
        client.describe_jobs(jobs=["x"] * 101)
    assert "Maximum number of jobs supported is 100" in refusal(error)


@pytest.mark.source("https://github.com/base2genomics/batchit/issues/13")
def test_a_queue_that_is_not_there(batch: Batch) -> None:
    with pytest.raises(ClientError) as error:
        batch.submit("not-there", batch.shell("true"))
    assert refusal(error) == "JobQueue not-there not found."
