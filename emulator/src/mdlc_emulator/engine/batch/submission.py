"""SubmitJob: a definition and its overrides become a job, or an array of them. Pure.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html,
https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html and
https://docs.aws.amazon.com/batch/latest/userguide/job_dependencies.html
"""

from __future__ import annotations

import copy
import itertools
import uuid
from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch import container_rules
from mdlc_emulator.engine.batch.definitions import Definitions, check_timeout
from mdlc_emulator.engine.batch.dispatch import Dispatcher
from mdlc_emulator.engine.batch.errors import client_error, invalid, not_here
from mdlc_emulator.engine.batch.model import Definition, Job, Queue, Store
from mdlc_emulator.engine.batch.names import arn, check_name, check_tags
from mdlc_emulator.engine.batch.queues import Queues
from mdlc_emulator.engine.batch.retrying import check_strategy
from mdlc_emulator.engine.batch.substitution import substitute

type Request = dict[str, Any]
type Response = dict[str, Any]

DEPENDENCIES_AT_MOST = 20
LARGEST_ARRAY = 10_000
_REFUSED = {
    "nodeOverrides": ("multi-node parallel jobs", "submit a job of a definition of type container."),
    "eksPropertiesOverride": ("Kubernetes", "override by containerOverrides."),
    "ecsPropertiesOverride": ("tasks of several containers", "override by containerOverrides."),
    "consumableResourcePropertiesOverride": (
        "consumable resources",
        "leave out consumableResourcePropertiesOverride.",
    ),
}


class Submission:
    """SubmitJob: from a request and its definition to jobs that wait."""

    def __init__(
        self, store: Store, queues: Queues, definitions: Definitions, dispatcher: Dispatcher
    ) -> None:
        self._store, self._queues, self._definitions = store, queues, definitions
        self._dispatcher = dispatcher
        self._sequence = itertools.count(1)

    def submit(self, caller: Caller, request: Request) -> Response:
        check_name(request["jobName"], "Job name")
        for member, (what, way_out) in _REFUSED.items():
            if request.get(member):
                raise not_here(what, way_out)
        with self._store.lock:
            queue = self._queues.find(caller, request["jobQueue"])
            definition = self._definitions.find(caller, request["jobDefinition"])
            _check_queue(queue, definition)
            job = self._job(caller, request, queue, definition)
            self._tie(job, request.get("dependsOn") or ())
            jobs = self._store.of(caller).jobs
            jobs[job.id] = job
            jobs.update((child.id, child) for child in job.children)
            self._dispatcher.add(job)
        return {"jobArn": job.arn, "jobName": job.name, "jobId": job.id}

    def _job(self, caller: Caller, request: Request, queue: Queue, definition: Definition) -> Job:
        members = definition.members
        container, vcpus, memory = _container(definition, request.get("containerOverrides") or {})
        parameters = {**members["parameters"], **(request.get("parameters") or {})}
        container["command"] = substitute(container["command"], parameters)
        share, priority = _share(request, queue, definition)
        strategy = request.get("retryStrategy")
        timeout = check_timeout(request.get("timeout"))
        tags = dict(request.get("tags") or {})
        check_tags(tags)
        size = (request.get("arrayProperties") or {}).get("size")
        if size is not None and not 2 <= size <= LARGEST_ARRAY:
            raise invalid(f"Array size must be between 2 and {LARGEST_ARRAY}")
        number = str(uuid.uuid4())
        common: dict[str, Any] = {
            "caller": caller,
            "name": request["jobName"],
            "queue": queue,
            "definition": definition,
            "created": clock.now(),
            "container": container,
            "vcpus": vcpus,
            "memory": memory,
            "parameters": parameters,
            "retry": check_strategy(strategy)
            if strategy is not None
            else members.get("retryStrategy", {"attempts": 1, "evaluateOnExit": []}),
            "timeout": timeout
            if timeout is not None
            else members.get("timeout", {}).get("attemptDurationSeconds"),
            "tags": tags,
            "propagate_tags": bool(request.get("propagateTags", members.get("propagateTags", False))),
            "share": share,
            "priority": priority,
        }
        job = Job(
            id=number,
            arn=arn(caller, "job", number),
            sequence=next(self._sequence),
            depends_on=[dict(each) for each in request.get("dependsOn") or ()],
            size=size,
            **common,
        )
        for index in range(size or 0):
            child_id = f"{number}:{index}"
            child = Job(
                id=child_id,
                arn=arn(caller, "job", child_id),
                sequence=next(self._sequence),
                depends_on=[],
                parent=job,
                index=index,
                **common,
            )
            job.children.append(child)
        return job

    def _tie(self, job: Job, given: Any) -> None:
        """Enter what `job` and its children have to wait for; nothing is changed when that is refused."""
        if len(given) > DEPENDENCIES_AT_MOST:
            raise invalid(f"A job can have at most {DEPENDENCIES_AT_MOST} dependencies")
        jobs = self._store.of(job.caller).jobs
        for each in given:
            kind, other_id = each.get("type"), each.get("jobId")
            if kind == "SEQUENTIAL":
                if not job.is_array:
                    raise invalid("A SEQUENTIAL dependency needs an array job")
                if other_id:
                    raise invalid("A SEQUENTIAL dependency must not have a jobId")
                for before, child in itertools.pairwise(job.children):
                    child.blockers.add(before.id)
                continue
            if not other_id:
                raise invalid("A dependency must have a jobId")
            other = jobs.get(other_id)
            if other is None:
                raise invalid(f"Job {other_id} of dependsOn does not exist")
            if kind == "N_TO_N":
                if not job.is_array or not other.is_array:
                    raise invalid("An N_TO_N dependency needs two array jobs")
                if job.size != other.size:
                    raise invalid(
                        f"An N_TO_N dependency needs arrays of one size: {job.size} is not {other.size}"
                    )
                for child, counterpart in zip(job.children, other.children, strict=True):
                    child.blockers.add(counterpart.id)
            else:
                for one in job.children or [job]:
                    one.blockers.add(other_id)


def _check_queue(queue: Queue, definition: Definition) -> None:
    if queue.state != "ENABLED":
        raise client_error(f"JobQueue {queue.arn} is not in ENABLED state")
    if queue.status in ("DELETING", "DELETED"):
        raise client_error(f"JobQueue {queue.name} not found.")
    capabilities = definition.members.get("platformCapabilities") or ["EC2"]
    wanted = "FARGATE" if queue.type == "ECS_FARGATE" else "EC2"
    if wanted not in capabilities:
        raise client_error(
            f"Job Queue is attached to Compute Environment that can not run Jobs with capability "
            f"{capabilities[0]}."
        )


def _container(definition: Definition, overrides: Mapping[str, Any]) -> tuple[dict[str, Any], float, int]:
    """(container, vCPU, MiB) of `definition` with `overrides`."""
    container: dict[str, Any] = copy.deepcopy(definition.members["containerProperties"])
    container_rules.check_environment(overrides.get("environment") or ())
    if overrides.get("command") is not None:
        container["command"] = list(overrides["command"])
    variables = {each["name"]: each for each in container["environment"]}
    variables.update((each["name"], dict(each)) for each in overrides.get("environment") or ())
    container["environment"] = list(variables.values())
    requirements = {each["type"]: each for each in container["resourceRequirements"]}
    requirements.update((each["type"], dict(each)) for each in overrides.get("resourceRequirements") or ())
    for member, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        value = overrides.get(member)
        if value is None:
            continue
        # Overrides by the older members do not reach requirements of the definition (API_SubmitJob).
        if kind not in requirements:
            container[member] = value
    container["resourceRequirements"] = list(requirements.values())
    if overrides.get("instanceType"):
        container["instanceType"] = overrides["instanceType"]
    vcpus, memory = container_rules.resources_of(container)
    container_rules.check_resources(vcpus, memory, fargate=definition.fargate)
    assert vcpus is not None
    assert memory is not None
    return container, vcpus, memory


def _share(request: Request, queue: Queue, definition: Definition) -> tuple[str | None, int | None]:
    """(share identifier, scheduling priority)."""
    share = request.get("shareIdentifier")
    override = request.get("schedulingPriorityOverride")
    if queue.policy_arn is None:
        if share is not None or override is not None:
            raise client_error(
                "Job with shareIdentifier or schedulingPriority can only be submitted to job queue with "
                "fair share scheduling policy."
            )
        return None, None
    if not share:
        raise client_error("shareIdentifier must be specified for a job queue with a scheduling policy.")
    if override is not None and not 0 <= override <= 9999:
        raise invalid("schedulingPriorityOverride must be between 0 and 9999")
    return share, override if override is not None else definition.members.get("schedulingPriority", 0)
