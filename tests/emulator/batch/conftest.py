"""Batch without LocalStack: the whole engine of it on a world that is kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.backend import batch
from mdlc_emulator.engine.batch.model import Job, Store
from mdlc_emulator.engine.batch.ports import Image, LogStream, StartError
from mdlc_emulator.engine.containers.contract import Containers
from mdlc_emulator.engine.containers.host import HostContainers

from tests.waiting import eventually

CALLER = Caller("123456789012", "eu-central-1")


@dataclass
class Lines:
    """A log stream in memory."""

    lines: list[str] = field(default_factory=list)
    closed: bool = False

    def line(self, text: str) -> None:
        self.lines.append(text)

    def close(self) -> None:
        self.closed = True


@dataclass
class World:
    """`ports.World` in memory: one image, secrets by name, streams and events that can be looked at."""

    secrets: dict[str, str] = field(default_factory=dict)
    streams: dict[str, Lines] = field(default_factory=dict)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def image(self, uri: str) -> Image:
        if uri != "here":
            raise StartError(f"CannotPullContainerError: {uri}")
        return Image()

    def secret(self, caller: Caller, value_from: str) -> str:
        return self.secrets[value_from]

    def log_stream(self, caller: Caller, options: Mapping[str, str], name: str) -> LogStream:
        return self.streams.setdefault(name, Lines())

    def surroundings(self, caller: Caller, role_arn: str | None) -> dict[str, str]:
        return {}

    def announce(
        self, caller: Caller, detail_type: str, arns: Sequence[str], detail: Callable[[], dict[str, Any]]
    ) -> None:
        self.events.append((detail_type, detail()))


@dataclass
class Engine:
    """Batch with real containers, or none; called as its API is."""

    containers: Callable[[], Containers]
    machine: float = 64.0
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        self.batch = batch(self.world, self.containers, self.machine)

    @property
    def store(self) -> Store:
        return self.batch.store

    def call(self, operation: str, **request: Any) -> Any:
        return self.batch.operations[operation](CALLER, request)

    def ready(self, vcpus: int = 4) -> None:
        """Environment "e", queue "q" and definition "d", which runs what `command` overrides."""
        resources = {"type": "EC2", "maxvCpus": vcpus, "instanceTypes": ["optimal"], "subnets": ["subnet-1"]}
        self.call(
            "CreateComputeEnvironment",
            computeEnvironmentName="e",
            type="MANAGED",
            computeResources=resources | {"instanceRole": "role"},
        )
        partition = self.store.of(CALLER)
        eventually(lambda: partition.environments["e"].status == "VALID", every=0.01)
        order = [{"order": 1, "computeEnvironment": "e"}]
        self.call("CreateJobQueue", jobQueueName="q", priority=1, computeEnvironmentOrder=order)
        self.define("d", "true")

    def define(self, name: str, *command: str, **settings: Any) -> None:
        sizes = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
        self.call(
            "RegisterJobDefinition",
            jobDefinitionName=name,
            type="container",
            containerProperties={"image": "here", "command": list(command), "resourceRequirements": sizes},
            **settings,
        )

    def submit(self, *command: str, **settings: Any) -> Job:
        request = {"jobName": "job", "jobQueue": "q", "jobDefinition": "d"} | settings
        if command:
            request.setdefault("containerOverrides", {"command": list(command)})
        return self.job(self.call("SubmitJob", **request)["jobId"])

    def job(self, job_id: str) -> Job:
        return self.store.of(CALLER).jobs[job_id]

    def ended(self, job: Job, within: float = 30.0) -> Job:
        eventually(lambda: job.status.over, within=within, every=0.005)
        return job


class NoContainers:
    """For tests in which nothing is to be started."""

    def start(self, *_: Any) -> Any:
        raise AssertionError("no container was to be started")

    def isolation(self) -> tuple[str, str]:
        return "base-directory", "there are none"

    def stop_all(self) -> None: ...


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostContainers]:
    made = HostContainers(Path(tmp_path_factory.mktemp("containers")))
    yield made
    made.stop_all()


@pytest.fixture
def engine(host: HostContainers) -> Iterator[Engine]:
    made = Engine(lambda: host)
    made.ready()
    yield made
    made.batch.dispatcher.forget_all()


PACE = threading.Event()
"""Never set: to wait for a moment."""
