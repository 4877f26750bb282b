"""Steps that are timed, said, and after a failure told: what is done already, and how to go on."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from cli.exits import MdlcError
from workflows.definitions import WorkflowError
from workflows.mappings import MappingError

Work = Callable[[], str]
"""Does a step; returns in a few words what it found or changed."""


@dataclass(frozen=True)
class Step:
    """One step that is done: how many seconds it took, and what it found or changed."""

    name: str
    seconds: float
    detail: str


@dataclass
class Report:
    """What a deploy or destroy did. Steps may overlap: `seconds` is less than their sum."""

    stage: str
    steps: list[Step] = field(default_factory=list)
    seconds: float = 0.0
    url: str | None = None
    left_out: list[str] = field(default_factory=list)


class Steps:
    """Runs steps and keeps the report. `again` is the command line that goes on after a failure."""

    def __init__(self, report: Report, say: Callable[[str], None], again: str) -> None:
        self.report = report
        self.say = say
        self._again = again
        self._begun = time.perf_counter()

    def run(self, name: str, words: str, work: Work) -> None:
        """Do one step. Raises MdlcError."""
        self.together((name, words, work))

    def together(self, *steps: tuple[str, str, Work]) -> None:
        """Do steps that do not depend on each other at the same time; all of them end before a failure is
        told."""
        self.say(steps[0][1])
        if len(steps) == 1:
            failures = [self._one(*steps[0])]
        else:
            with ThreadPoolExecutor(len(steps)) as pool:
                failures = [future.result() for future in [pool.submit(self._one, *step) for step in steps]]
        self.report.seconds = round(time.perf_counter() - self._begun, 3)
        for failure in filter(None, failures):
            raise MdlcError(f"{self._so_far()}{failure}", failure.exit_code) from failure

    def _one(self, name: str, words: str, work: Work) -> MdlcError | None:
        begun = time.perf_counter()
        try:
            detail = work()
        except (ClientError, BotoCoreError, WorkflowError, MappingError) as error:
            return MdlcError(f"{words} failed: {error}")
        except MdlcError as error:
            return error
        self.report.steps.append(Step(name, round(time.perf_counter() - begun, 3), detail))
        return None

    def _so_far(self) -> str:
        done = ", ".join(step.name for step in self.report.steps)
        return f"Done so far: {done}; `{self._again}` goes on from there. " if done else ""
