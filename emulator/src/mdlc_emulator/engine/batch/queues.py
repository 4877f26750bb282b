"""Job queues: create, update, describe, delete. Pure.

Source: https://docs.aws.amazon.com/batch/latest/userguide/job_queues.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_CreateJobQueue.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.environments import TRANSITION_SECONDS, Environments
from mdlc_emulator.engine.batch.errors import client_error, invalid, not_here
from mdlc_emulator.engine.batch.model import Job, Queue, Store
from mdlc_emulator.engine.batch.names import arn, check_name, check_tags, short
from mdlc_emulator.engine.batch.paging import page

type Request = dict[str, Any]
type Response = dict[str, Any]

ENVIRONMENTS_AT_MOST = 3
HEALTHY = "JobQueue Healthy"
_REASONS = (
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
)
_SHORTEST_LIMIT, _LONGEST_LIMIT = 600, 86400


class Ender(Protocol):
    """What ends jobs."""

    def terminate(self, job: Job, reason: str) -> None: ...


class Queues:
    """`changed` is called after every transition; `ender` ends the jobs of a queue that is deleted."""

    def __init__(
        self, store: Store, environments: Environments, ender: Ender, changed: Callable[[], None]
    ) -> None:
        self._store, self._environments, self._ender, self._changed = store, environments, ender, changed

    def create(self, caller: Caller, request: Request) -> Response:
        name = request["jobQueueName"]
        check_name(name, "Job queue name")
        if request.get("serviceEnvironmentOrder") or request.get("jobQueueType") == "SAGEMAKER_TRAINING":
            raise not_here("service environments", "give the queue a computeEnvironmentOrder.")
        tags = dict(request.get("tags") or {})
        check_tags(tags)
        with self._store.lock:
            known = self._store.of(caller).queues
            if name in known:
                raise client_error("Object already exists")
            _check_priority(request["priority"])
            order, kind = self._order(caller, request.get("computeEnvironmentOrder") or ())
            made = Queue(
                caller=caller,
                name=name,
                arn=arn(caller, "job-queue", name),
                state=request.get("state") or "ENABLED",
                status="CREATING",
                status_reason="",
                priority=request["priority"],
                environments=order,
                policy_arn=self._policy(caller, request.get("schedulingPolicyArn")),
                type=kind,
                limits=_limits(request.get("jobStateTimeLimitActions") or ()),
                tags=tags,
            )
            known[name] = made
        self._settle(made)
        return {"jobQueueName": name, "jobQueueArn": made.arn}

    def update(self, caller: Caller, request: Request) -> Response:
        if request.get("serviceEnvironmentOrder"):
            raise not_here("service environments", "give the queue a computeEnvironmentOrder.")
        with self._store.lock:
            found = self.find(caller, request["jobQueue"])
            if found.status not in ("VALID", "INVALID"):
                raise client_error("Cannot update, resource is being modified")
            priority = request.get("priority", found.priority)
            _check_priority(priority)
            order, kind = found.environments, found.type
            if request.get("computeEnvironmentOrder") is not None:
                order, kind = self._order(caller, request["computeEnvironmentOrder"])
            if kind != found.type:
                raise invalid(
                    "Fargate and EC2 compute environments cannot take each other's place in a queue"
                )
            if request.get("schedulingPolicyArn"):
                if found.policy_arn is None:
                    raise invalid("A scheduling policy cannot be added to a job queue that has none")
                found.policy_arn = self._policy(caller, request["schedulingPolicyArn"])
            if request.get("jobStateTimeLimitActions") is not None:
                found.limits = _limits(request["jobStateTimeLimitActions"])
            found.priority, found.environments = priority, order
            found.state = request.get("state") or found.state
            found.status = "UPDATING"
        self._settle(found)
        return {"jobQueueName": found.name, "jobQueueArn": found.arn}

    def describe(self, caller: Caller, request: Request) -> Response:
        wanted = request.get("jobQueues")
        if wanted and request.get("maxResults") is not None:
            raise invalid("JobQueues and MaxResults cannot both be set")
        with self._store.lock:
            known = self._store.of(caller).queues
            if wanted:
                names = {short(each) for each in wanted}
                return {"jobQueues": [_shape(each) for each in known.values() if each.name in names]}
            found, more = page(
                sorted(known.values(), key=lambda each: each.name), request, most=100, key="name"
            )
            return {"jobQueues": [_shape(each) for each in found], **more}

    def delete(self, caller: Caller, request: Request) -> Response:
        """Its jobs are terminated, and it is gone once they have ended."""
        with self._store.lock:
            partition = self._store.of(caller)
            found = self.find(caller, request["jobQueue"])
            if found.status in ("CREATING", "UPDATING", "DELETING"):
                raise client_error("Cannot delete, resource is being modified")
            if found.state != "DISABLED":
                raise client_error("Cannot delete, state must be DISABLED")
            found.status = "DELETING"
            jobs = [job for job in partition.jobs.values() if job.queue is found and not job.status.over]
        for job in jobs:
            if job.parent is None:
                self._ender.terminate(job, "Terminated due to the deletion of the job queue")
        self._remove_later(found)
        return {}

    def find(self, caller: Caller, name_or_arn: str) -> Queue:
        found = self._store.of(caller).queues.get(short(name_or_arn))
        if found is None or (name_or_arn.startswith("arn:") and found.arn != name_or_arn):
            raise client_error(f"JobQueue {name_or_arn} not found.")
        return found

    def _remove_later(self, queue: Queue) -> None:
        def gone() -> None:
            with self._store.lock:
                partition = self._store.of(queue.caller)
                alive = any(job.queue is queue and not job.status.over for job in partition.jobs.values())
                if not alive:
                    if partition.queues.get(queue.name) is queue:
                        del partition.queues[queue.name]
                    return
            self._remove_later(queue)

        clock.call_at(clock.now() + TRANSITION_SECONDS, gone)

    def _order(self, caller: Caller, given: Sequence[dict[str, Any]]) -> tuple[list[str], str]:
        """(ARNs in order, the queue's type)."""
        if not given:
            raise invalid("ComputeEnvironmentOrder must not be empty")
        if len(given) > ENVIRONMENTS_AT_MOST:
            raise invalid(f"A job queue can have at most {ENVIRONMENTS_AT_MOST} compute environments")
        if len({each["order"] for each in given}) < len(given):
            raise invalid("The orders of compute environments must differ")
        found = [
            self._environments.find(caller, each["computeEnvironment"])
            for each in sorted(given, key=lambda each: each["order"])
        ]
        for each in found:
            if each.status not in ("VALID", "UPDATING"):
                raise invalid(f"ComputeEnvironment {each.arn} is not valid")
        if len({each.fargate for each in found}) > 1:
            raise invalid("A job queue cannot mix Fargate and EC2 compute environments")
        return [each.arn for each in found], "ECS_FARGATE" if found[0].fargate else "ECS"

    def _policy(self, caller: Caller, policy_arn: str | None) -> str | None:
        if not policy_arn:
            return None
        if short(policy_arn) not in self._store.of(caller).policies:
            raise client_error(f"SchedulingPolicy {policy_arn} does not exist")
        return policy_arn

    def _settle(self, queue: Queue) -> None:
        def valid() -> None:
            with self._store.lock:
                if queue.status in ("CREATING", "UPDATING"):
                    queue.status, queue.status_reason = "VALID", HEALTHY
            self._changed()

        clock.call_at(clock.now() + TRANSITION_SECONDS, valid)


def _check_priority(priority: int) -> None:
    if not 0 <= priority <= 1000:
        raise invalid("Priority must be between 0 and 1000")


def _limits(given: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    for each in given:
        if each["action"] != "CANCEL" or each["state"] != "RUNNABLE":
            raise invalid("JobStateTimeLimitActions support the state RUNNABLE and the action CANCEL only")
        if not _SHORTEST_LIMIT <= each["maxTimeSeconds"] <= _LONGEST_LIMIT:
            raise invalid(f"maxTimeSeconds must be between {_SHORTEST_LIMIT} and {_LONGEST_LIMIT}")
        if each["reason"] not in _REASONS:
            raise invalid(f"reason must be one of {', '.join(_REASONS)}")
    return [dict(each) for each in given]


def _shape(queue: Queue) -> Response:
    shape: Response = {
        "jobQueueName": queue.name,
        "jobQueueArn": queue.arn,
        "state": queue.state,
        "status": queue.status,
        "statusReason": queue.status_reason,
        "priority": queue.priority,
        "computeEnvironmentOrder": [
            {"order": number, "computeEnvironment": each} for number, each in enumerate(queue.environments, 1)
        ],
        "serviceEnvironmentOrder": [],
        "jobQueueType": queue.type,
        "tags": dict(queue.tags),
        "jobStateTimeLimitActions": [dict(each) for each in queue.limits],
    }
    if queue.policy_arn is not None:
        shape["schedulingPolicyArn"] = queue.policy_arn
    return shape
