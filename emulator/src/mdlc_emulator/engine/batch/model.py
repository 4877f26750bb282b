"""What Batch keeps: environments, queues, policies, definitions, jobs. Pure data, guarded by `Store.lock`."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.fairshare import Usage
from mdlc_emulator.engine.containers.contract import Container

RETENTION_SECONDS = 7 * 24 * 3600
"""How long a job that has ended can be described.

https://docs.aws.amazon.com/batch/latest/userguide/job_states.html: at least seven days.
"""

SWEEP_SECONDS = 60
"""How often it is looked for jobs that have been kept for so long."""


class Status(enum.StrEnum):
    """The states of a job, in the order in which it passes them."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def over(self) -> bool:
        return self in (Status.SUCCEEDED, Status.FAILED)

    @property
    def waiting(self) -> bool:
        """Not yet given to a compute environment."""
        return self in (Status.SUBMITTED, Status.PENDING, Status.RUNNABLE)


@dataclass(eq=False)
class Environment:
    """A compute environment. `used` is what its jobs hold of `capacity`, in vCPU."""

    caller: Caller
    name: str
    arn: str
    type: str
    state: str
    status: str
    status_reason: str
    resources: dict[str, Any] | None
    uuid: str
    cluster: str
    members: dict[str, Any]
    tags: dict[str, str]
    used: float = 0.0

    @property
    def fargate(self) -> bool:
        return bool(self.resources) and "FARGATE" in (self.resources or {})["type"]

    @property
    def capacity(self) -> float:
        """vCPU that its jobs share; an UNMANAGED one has what its owner brings: nothing here."""
        return float(self.resources["maxvCpus"]) if self.resources else 0.0

    @property
    def usable(self) -> bool:
        return self.state == "ENABLED" and self.status == "VALID"


@dataclass(eq=False)
class Queue:
    """A job queue; `environments` are ARNs in the order in which they are tried."""

    caller: Caller
    name: str
    arn: str
    state: str
    status: str
    status_reason: str
    priority: int
    environments: list[str]
    policy_arn: str | None
    type: str
    limits: list[dict[str, Any]]
    tags: dict[str, str]


@dataclass(eq=False)
class Policy:
    """A scheduling policy; `fairshare` as it was asked for."""

    caller: Caller
    name: str
    arn: str
    fairshare: dict[str, Any]
    tags: dict[str, str]


@dataclass(eq=False)
class Definition:
    """One revision of a job definition; `members` as they were registered and checked."""

    caller: Caller
    name: str
    revision: int
    arn: str
    status: str
    members: dict[str, Any]
    tags: dict[str, str]

    @property
    def fargate(self) -> bool:
        return "FARGATE" in (self.members.get("platformCapabilities") or ())


@dataclass(eq=False)
class Attempt:
    """One run of a job's container; moments in seconds since the epoch."""

    task_arn: str
    stream: str
    started: float | None = None
    stopped: float | None = None
    exit_code: int | None = None
    reason: str | None = None
    status_reason: str | None = None
    timed_out: bool = False
    container: Container | None = None
    timer: clock.Timer | None = None


@dataclass(eq=False)
class Job:
    """A job, the parent of an array, or one child of it.

    `container` is what its definition and its overrides together say; `blockers` are the ids of the jobs
    that have to succeed first.
    """

    caller: Caller
    id: str
    arn: str
    name: str
    queue: Queue
    definition: Definition
    sequence: int
    created: float
    container: dict[str, Any]
    vcpus: float
    memory: int
    parameters: dict[str, str]
    retry: dict[str, Any]
    timeout: int | None
    depends_on: list[dict[str, str]]
    tags: dict[str, str]
    propagate_tags: bool
    share: str | None = None
    priority: int | None = None
    status: Status = Status.SUBMITTED
    status_reason: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    current: Attempt | None = None
    started: float | None = None
    stopped: float | None = None
    runnable_since: float | None = None
    at_head_since: float | None = None
    blockers: set[str] = field(default_factory=set)
    environment: Environment | None = None
    usage: Usage | None = None
    cancel_reason: str | None = None
    terminate_reason: str | None = None
    size: int | None = None
    children: list[Job] = field(default_factory=list)
    counts: dict[Status, int] = field(default_factory=dict)
    counted: float | None = None
    parent: Job | None = None
    index: int | None = None

    @property
    def is_array(self) -> bool:
        return self.size is not None


@dataclass
class Partition:
    """What one account has in one region, by name (jobs by id)."""

    environments: dict[str, Environment] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    definitions: dict[str, list[Definition]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)


class Store:
    """All partitions, and the lock under which everything here is read and changed."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._partitions: dict[Caller, Partition] = {}
        self._swept = clock.now()

    def of(self, caller: Caller) -> Partition:
        with self.lock:
            found = self._partitions.get(caller)
            if found is None:
                found = self._partitions[caller] = Partition()
            return found

    def partitions(self) -> list[Partition]:
        with self.lock:
            return list(self._partitions.values())

    def clear(self) -> None:
        with self.lock:
            self._partitions.clear()

    def forget_old_jobs(self) -> None:
        """Drop the jobs that ended longer ago than `RETENTION_SECONDS`."""
        now = clock.now()
        if now < self._swept + SWEEP_SECONDS:
            return
        self._swept, limit = now, now - RETENTION_SECONDS
        for partition in self._partitions.values():
            jobs = partition.jobs
            for job in [each for each in jobs.values() if each.stopped is not None and each.stopped < limit]:
                if job.status.over and (job.parent is None or job.parent.status.over):
                    del jobs[job.id]
