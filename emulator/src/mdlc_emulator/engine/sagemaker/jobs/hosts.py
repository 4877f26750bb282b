"""The hosts of a job: algo-1, algo-2, ..., each a container, ended together."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mdlc_emulator.engine.containers.contract import Container, Containers, ContainerSpec, Exit

GRACE = 120.0
"""Seconds from SIGTERM to SIGKILL when a job is stopped:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html"""


@dataclass(frozen=True, slots=True)
class Host:
    """One machine that a job asked for; `number` counts from 0."""

    number: int
    instance_type: str
    group: str = "homogeneousCluster"

    @property
    def name(self) -> str:
        return f"algo-{self.number + 1}"

    @property
    def address(self) -> str:
        """Its own address on this machine's loopback interface, where hosts of a job find each other."""
        return f"127.0.{self.number // 250}.{self.number % 250 + 1}"


class Running:
    """The containers of a job while they run. `start` them, `wait`, and `stop` from any thread."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers
        self._started: list[Container] = []
        self._lock = threading.Lock()
        self._stopped: float | None = None

    def start(self, spec: ContainerSpec, on_line: Callable[[str], None]) -> None:
        """Start one more. ContainerError when it cannot be."""
        container = self._containers.start(spec, on_line)
        with self._lock:
            self._started.append(container)
            grace = self._stopped
        if grace is not None:
            container.stop(grace)

    def wait(self) -> list[Exit]:
        """How each ended, in the order of ending. As soon as one fails, the others are ended too."""
        over: queue.SimpleQueue[Exit] = queue.SimpleQueue()
        started = list(self._started)
        if len(started) == 1:
            only = started[0].wait()
            assert only is not None
            return [only]
        for container in started:
            container.when_over(over.put)
        ended: list[Exit] = []
        while len(ended) < len(started):
            ended.append(over.get())
            if ended[-1].code != 0:
                self.stop(0.0)
        return ended

    def stop(self, grace: float = GRACE) -> None:
        """SIGTERM to all, SIGKILL after `grace` seconds; what is started later is stopped at once."""
        with self._lock:
            self._stopped = grace if self._stopped is None else min(grace, self._stopped)
            started: Sequence[Container] = list(self._started)
        for container in started:
            container.stop(grace)

    def processor_seconds(self) -> float:
        """Processor time of all of them so far."""
        return sum(container.processor_seconds() for container in list(self._started))
