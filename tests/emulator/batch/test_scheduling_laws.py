"""The scheduler against a model: whatever is submitted ends as it must, in order, within capacity.

Jobs are stand-ins that end by themselves: what is looked at is who may run when, not what runs.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.batch.dispatch import Dispatcher
from mdlc_emulator.engine.batch.model import Attempt, Job, Status
from mdlc_emulator.engine.batch.retrying import Ended

from tests.emulator.batch.conftest import PACE, Engine, NoContainers

VCPUS = 3


@dataclass
class Clerk:
    """Implements `dispatch.Starter`: notes what runs, and lets it end with the code that its name says."""

    dispatcher: Dispatcher
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: dict[str, float] = field(default_factory=dict)
    most: float = 0.0
    begun: dict[str, int] = field(default_factory=dict)
    over: dict[str, int] = field(default_factory=dict)
    ticks: int = 0

    def start(self, job: Job, attempt: Attempt) -> None:
        with self.lock:
            self.running[job.id] = job.vcpus
            self.most = max(self.most, sum(self.running.values()))
            self.ticks += 1
            self.begun.setdefault(job.id, self.ticks)
        self.dispatcher.started(job, attempt)
        PACE.wait(0.001)
        with self.lock:
            del self.running[job.id]
            self.ticks += 1
            self.over[job.id] = self.ticks
        self.dispatcher.ended(job, attempt, Ended("ended", None, fails(job)))


def fails(job: Job) -> int:
    """Jobs say in their command which of them fail: "none", "all", or the index of a child."""
    wish = job.container["command"][0]
    return int(wish == "all" or (job.index is not None and wish == str(job.index)))


@st.composite
def plans(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Jobs in the order of submission; dependencies name earlier ones by their place."""
    plan: list[dict[str, Any]] = []
    for place in range(draw(st.integers(1, 7))):
        size = draw(st.sampled_from([None, None, 2, 3]))
        entry: dict[str, Any] = {
            "size": size,
            "vcpus": draw(st.integers(1, VCPUS)),
            "wish": draw(st.sampled_from(["none", "none", "none", "all", "0", "1"])),
            "sequential": size is not None and draw(st.booleans()),
            "after": draw(st.lists(st.integers(0, place - 1), unique=True, max_size=2)) if place else [],
            "n_to_n": [],
        }
        for other in list(entry["after"]):
            if size is not None and plan[other]["size"] == size and draw(st.booleans()):
                entry["after"].remove(other)
                entry["n_to_n"].append(other)
        plan.append(entry)
    return plan


def units(job: Job) -> list[Job]:
    return job.children or [job]


def submitted(engine: Engine, plan: list[dict[str, Any]]) -> list[Job]:
    jobs: list[Job] = []
    for entry in plan:
        depends: list[dict[str, str]] = [{"jobId": jobs[other].id} for other in entry["after"]]
        depends += [{"jobId": jobs[other].id, "type": "N_TO_N"} for other in entry["n_to_n"]]
        depends += [{"type": "SEQUENTIAL"}] if entry["sequential"] else []
        requirements = [{"type": "VCPU", "value": str(entry["vcpus"])}]
        request: dict[str, Any] = {
            "dependsOn": depends,
            "containerOverrides": {"command": [entry["wish"]], "resourceRequirements": requirements},
        }
        if entry["size"] is not None:
            request["arrayProperties"] = {"size": entry["size"]}
        jobs.append(engine.submit(**request))
    return jobs


def expected(plan: list[dict[str, Any]], jobs: list[Job]) -> dict[str, bool]:
    """Which jobs succeed: by the rules, one job after the other, as if there were no time."""
    good: dict[str, bool] = {}
    for entry, job in zip(plan, jobs, strict=True):
        before = True
        for position, unit in enumerate(units(job)):
            possible = all(good[jobs[other].id] for other in entry["after"])
            possible &= all(good[jobs[other].children[position].id] for other in entry["n_to_n"])
            possible &= before or not entry["sequential"]
            good[unit.id] = possible and not fails(unit)
            before = good[unit.id]
        good[job.id] = all(good[unit.id] for unit in units(job))
    return good


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans())
def test_every_graph_of_jobs_ends_in_order_and_within_capacity(plan: list[dict[str, Any]]) -> None:
    engine = Engine(NoContainers)
    clerk = Clerk(engine.batch.dispatcher)
    engine.batch.dispatcher.starter = clerk
    engine.ready(VCPUS)
    jobs = submitted(engine, plan)
    for job in jobs:
        engine.ended(job)
    good = expected(plan, jobs)
    everyone = [*jobs, *(child for job in jobs for child in job.children)]
    assert {each.id: each.status is Status.SUCCEEDED for each in everyone} == good
    assert clerk.most <= VCPUS
    for entry, job in zip(plan, jobs, strict=True):
        for position, unit in enumerate(units(job)):
            waited = [each.id for other in entry["after"] for each in units(jobs[other])]
            waited += [jobs[other].children[position].id for other in entry["n_to_n"]]
            if entry["sequential"] and position:
                waited.append(job.children[position - 1].id)
            if unit.id in clerk.begun:
                assert all(clerk.over[each] < clerk.begun[unit.id] for each in waited)
    assert engine.store.of(jobs[0].caller).environments["e"].used == 0


def test_the_machine_is_a_limit_and_one_job_alone_may_exceed_it() -> None:
    engine = Engine(NoContainers, machine=2.0)
    clerk = Clerk(engine.batch.dispatcher)
    engine.batch.dispatcher.starter = clerk
    engine.ready(16)
    sizes = [1, 1, 1, 4, 1, 1]
    jobs = [
        engine.submit(
            containerOverrides={
                "command": ["none"],
                "resourceRequirements": [{"type": "VCPU", "value": str(size)}],
            }
        )
        for size in sizes
    ]
    for job in jobs:
        assert engine.ended(job).status is Status.SUCCEEDED
    assert clerk.most == 4


def test_ten_thousand_children_in_a_row_end_without_recursion() -> None:
    """The first of a sequence fails: every other one has to be told."""
    engine = Engine(NoContainers)
    engine.batch.dispatcher.starter = Clerk(engine.batch.dispatcher)
    engine.ready()
    job = engine.submit("0", arrayProperties={"size": 10_000}, dependsOn=[{"type": "SEQUENTIAL"}])
    assert engine.ended(job).counts[Status.FAILED] == 10_000
