"""The metrics of one job: scraped from the lines of its hosts, kept, shown and published."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.sagemaker.jobs.metrics import PUBLISHER
from mdlc_emulator.engine.sagemaker.kernel.resource import moment
from mdlc_emulator.engine.sagemaker.training.job import TrainingJob
from mdlc_emulator.engine.sagemaker.training.metrics import SECONDS, Definition, compile_definitions, scrape

NAMESPACE = "/aws/sagemaker/TrainingJobs"


class Measured:
    """Reads what the hosts print."""

    def __init__(self, job: TrainingJob) -> None:
        self._job = job
        self._definitions = compile_definitions(
            job.members["AlgorithmSpecification"].get("MetricDefinitions", ())
        )
        self._last: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def reader(self, write: Callable[[str], None]) -> Callable[[str], None]:
        """A function that takes one line of a host: passes it to `write` and looks for metrics."""
        if not self._definitions:
            return write

        def read(line: str) -> None:
            write(line)
            for name, value in scrape(self._definitions, line, slow):
                self._found(name, value)

        def slow(definition: Definition) -> None:
            with self._lock:
                self._definitions = [each for each in self._definitions if each is not definition]
            write(
                f"The metric {definition.name} is not looked for any more: its regular expression searched "
                f"one line for {SECONDS:g} s. Write one that does not repeat what is repeated already."
            )

        return read

    def _found(self, name: str, value: float) -> None:
        at = clock.now()
        job = self._job
        with self._lock:
            self._last[name] = (value, at)
            job.metric(name, value, at)
        PUBLISHER.put(job.caller, NAMESPACE, name, value, at, {"TrainingJobName": job.name})

    def final(self) -> list[dict[str, Any]]:
        """FinalMetricDataList: the last value of each metric."""
        with self._lock:
            return [
                {"MetricName": name, "Value": value, "Timestamp": moment(at)}
                for name, (value, at) in self._last.items()
            ]
