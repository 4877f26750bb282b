"""Places: which compute environment has room for a job, within its vCPU and those of this machine. Pure.

Everything here is called under the store's lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.batch.fairshare import allowed
from mdlc_emulator.engine.batch.lines import Line
from mdlc_emulator.engine.batch.model import Attempt, Environment, Job, Queue, Store
from mdlc_emulator.engine.batch.names import short


class Places:
    """`machine` is how many vCPU all jobs together may hold, `used` how many they do; one job alone may have
    more."""

    def __init__(self, store: Store, machine: float) -> None:
        self._store, self._machine = store, machine
        self.used = 0.0

    def room(self, job: Job, line: Line) -> Environment | None:
        """The first environment of the queue that can take `job` now."""
        if self.used and self.used + job.vcpus > self._machine:
            return None
        policy = self.policy(job.queue)
        for environment in self._environments(job.queue):
            if not environment.usable:
                continue
            capacity = environment.capacity
            if policy is not None:
                capacity = max(1.0, allowed(policy, capacity, line.active()))
            if environment.used + job.vcpus <= capacity:
                return environment
        return None

    def occupy(self, job: Job, environment: Environment, line: Line, now: float) -> Attempt:
        """Give `job` its place; the attempt that begins with it."""
        task = uuid.uuid4().hex
        prefix, _, cluster = environment.cluster.partition(":cluster/")
        attempt = Attempt(f"{prefix}:task/{cluster}/{task}", f"{_prefix(job)}/default/{task}")
        environment.used += job.vcpus
        self.used += job.vcpus
        job.environment, job.current, job.at_head_since = environment, attempt, None
        job.usage = line.usages.begin(job.share, job.vcpus, now) if job.share else None
        job.status_reason = None
        return attempt

    def release(self, job: Job) -> None:
        if job.environment is not None:
            job.environment.used -= job.vcpus
            self.used -= job.vcpus
            job.environment = None
        if job.usage is not None:
            job.usage.stop = clock.now()
            job.usage = None

    def largest(self, queue: Queue) -> float:
        """vCPU of the largest environment of `queue`, whatever its state."""
        return max((each.capacity for each in self._environments(queue)), default=0.0)

    def policy(self, queue: Queue) -> Mapping[str, Any] | None:
        """The fair-share policy of `queue`."""
        if queue.policy_arn is None:
            return None
        found = self._store.of(queue.caller).policies.get(short(queue.policy_arn))
        return found.fairshare if found is not None else None

    def _environments(self, queue: Queue) -> list[Environment]:
        known = self._store.of(queue.caller).environments
        return [known[short(each)] for each in queue.environments if short(each) in known]


def _prefix(job: Job) -> str:
    """What the names of a job's streams begin with."""
    options = (job.container.get("logConfiguration") or {}).get("options") or {}
    return str(options.get("awslogs-stream-prefix") or job.definition.name)
