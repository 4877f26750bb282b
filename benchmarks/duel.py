"""Rounds of ours and the peer in turn (A B A B), each round a fresh emulator asked the same things."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.clients import ECHO, Cloud, WrongAnswerError
from benchmarks.contestants import BenchmarkError, Contestant
from benchmarks.results import Samples
from benchmarks.scenarios.order import AT_REST, IN_USE
from benchmarks.scenarios.plan import Measured, Plan, Step

# What a contestant can do wrong; anything else is a fault of the benchmark and ends the run.
FAILURES = (WrongAnswerError, BenchmarkError, ClientError, BotoCoreError, OSError, KeyError, ValueError)

SLOW = 20.0
"""Seconds. A step that takes longer is measured in the first round only."""

type Tell = Callable[[str, str, Samples], None]


@dataclass
class Board:
    """contestant -> figure -> samples of all rounds so far. `tell` hears of every addition."""

    tell: Tell
    samples: dict[str, dict[str, Samples]] = field(default_factory=dict)
    slow: set[tuple[str, str]] = field(default_factory=set)

    def settled(self, contestant: str, figures: Iterable[str]) -> bool:
        """Whether to ask no more. Half a result is none, so what failed once has failed; what is slow is
        known well enough after once."""
        return any(
            self.of(contestant, figure).failure or (contestant, figure) in self.slow for figure in figures
        )

    def of(self, contestant: str, figure: str) -> Samples:
        return self.samples.setdefault(contestant, {}).setdefault(figure, Samples())

    def add(self, contestant: str, measured: Measured) -> None:
        for figure, values in measured.items():
            samples = self.of(contestant, figure)
            samples.values.extend(values)
            self.tell(contestant, figure, samples)

    def fail(self, contestant: str, figures: Iterable[str], reason: str) -> None:
        for figure in figures:
            samples = self.of(contestant, figure)
            samples.failure = samples.failure or reason
            self.tell(contestant, figure, samples)


def reason(error: Exception) -> str:
    """One line for a table."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:240]


def play(
    contestants: Sequence[Contestant],
    groups: frozenset[str],
    plan: Plan,
    board: Board,
    sessions: Sequence[Sequence[Step]] = (AT_REST, IN_USE),
) -> None:
    """All rounds; what fails is on the board and the rest goes on.

    Each session is an emulator of its own; the last one's shutdown is measured.
    """
    chosen = [[step for step in session if step.group in groups] for session in sessions]
    for _ in range(plan.rounds):
        for contestant in contestants:
            for number, steps in enumerate(chosen, 1):
                shutdown = number == len(chosen) and "shutdown" in groups
                if steps or shutdown:
                    _session(contestant, steps, shutdown, plan, board)


def _session(contestant: Contestant, steps: Sequence[Step], shutdown: bool, plan: Plan, board: Board) -> None:
    """One emulator from start to end."""
    figures = [figure for step in steps for figure in step.figures] + ["shutdown"] * shutdown
    try:
        running = contestant.start()
    except FAILURES as error:
        board.fail(contestant.name, figures, reason(error))
        return
    try:
        cloud = Cloud(running)
        for step in steps:
            if board.settled(contestant.name, step.figures):
                continue
            since = time.perf_counter()
            try:
                board.add(contestant.name, step.measure(cloud, plan))
                if time.perf_counter() - since > SLOW:
                    board.slow.update((contestant.name, figure) for figure in step.figures)
            except FAILURES as error:
                board.fail(contestant.name, step.figures, reason(error))
        if shutdown:
            _use_lambda(cloud, contestant.name, board)
    finally:
        since = time.perf_counter()
        try:
            running.end()
            if shutdown:
                board.add(contestant.name, {"shutdown": [time.perf_counter() - since]})
        except BenchmarkError as error:
            board.fail(contestant.name, ["shutdown"], reason(error))


def _use_lambda(cloud: Cloud, contestant: str, board: Board) -> None:
    """Leave a warm function's process behind for the shutdown to end."""
    try:
        name = cloud.create(ECHO)
        cloud.await_active(name)
        cloud.invoke(name, {})
    except FAILURES as error:
        board.fail(contestant, ["shutdown"], reason(error))
