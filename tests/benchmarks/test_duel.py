"""Rounds in turn, by contestants without an emulator."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from benchmarks import duel
from benchmarks.clients import Cloud, WrongAnswerError
from benchmarks.contestants import BenchmarkError, Running
from benchmarks.duel import Board, play
from benchmarks.results import Samples
from benchmarks.scenarios.plan import Measured, Plan, Step


@dataclass
class Fake:
    """A contestant that writes down what happens to it; `fails`: "start", "end" or nothing."""

    name: str
    happened: list[str]
    fails: str = ""

    def start(self) -> Running:
        self.happened.append(f"{self.name} up")
        if self.fails == "start":
            raise BenchmarkError("it did not start")
        return Running(self.name, 1, (), 0.0, 0.5, self.end)

    def end(self) -> None:
        self.happened.append(f"{self.name} down")
        if self.fails == "end":
            raise BenchmarkError("it did not end")


def ready(cloud: Cloud, plan: Plan) -> Measured:
    return {"ready": [cloud.running.ready_seconds]}


def silent(contestant: str, figure: str, samples: Samples) -> None:
    """Nobody watches."""


READY = Step("ready", ("ready",), ready)
GROUPS = frozenset({"ready"})


def test_contestants_take_turns_and_each_session_is_an_emulator_of_its_own():
    happened: list[str] = []
    board = Board(silent)
    play([Fake("a", happened), Fake("b", happened)], GROUPS, Plan(rounds=2), board, [[READY], [READY]])
    assert happened == ["a up", "a down"] * 2 + ["b up", "b down"] * 2 + happened[:8]
    assert board.of("a", "ready").values == [0.5] * 4


def test_only_the_groups_asked_for_are_measured():
    happened: list[str] = []
    play([Fake("a", happened)], frozenset({"lambda"}), Plan(rounds=1), Board(silent), [[READY]])
    assert happened == []


def test_what_failed_once_is_not_asked_again_and_the_rest_goes_on():
    answers: Iterator[object] = iter([[1.0], WrongAnswerError("sent 1, got 2"), [1.0]])

    def once(cloud: Cloud, plan: Plan) -> Measured:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return {"lambda_warm": [1.0]}

    board = Board(silent)
    steps = [Step("ready", ("lambda_warm", "lambda_warm_p99"), once), READY]
    play([Fake("a", [])], GROUPS, Plan(rounds=3), board, [steps])
    assert board.of("a", "lambda_warm").failure == "WrongAnswerError: sent 1, got 2"
    assert board.of("a", "lambda_warm").summary() is None
    assert board.of("a", "lambda_warm_p99").failure
    assert next(answers) == [1.0]
    assert board.of("a", "ready").values == [0.5] * 3


def test_an_emulator_that_does_not_start_fails_its_figures_and_not_the_run():
    happened: list[str] = []
    board = Board(silent)
    play([Fake("a", happened, "start"), Fake("b", happened)], GROUPS, Plan(rounds=1), board, [[READY]])
    assert happened == ["a up", "b up", "b down"]
    assert "it did not start" in (board.of("a", "ready").failure or "")


def test_an_emulator_that_does_not_end_is_on_the_board():
    board = Board(silent)
    play([Fake("a", [], "end")], GROUPS, Plan(rounds=1), board, [[READY]])
    assert "it did not end" in (board.of("a", "shutdown").failure or "")


def test_a_fault_of_the_benchmark_ends_the_run_and_the_emulator():
    def faulty(cloud: Cloud, plan: Plan) -> Measured:
        raise AttributeError("a typing error")

    happened: list[str] = []
    with pytest.raises(AttributeError):
        play(
            [Fake("a", happened)],
            GROUPS,
            Plan(rounds=1),
            Board(silent),
            [[Step("ready", ("ready",), faulty)]],
        )
    assert happened == ["a up", "a down"]


def test_what_is_slow_is_measured_once():
    board = Board(silent)
    board.slow.add(("a", "ready"))
    happened: list[str] = []
    play([Fake("a", happened), Fake("b", happened)], GROUPS, Plan(rounds=1), board, [[READY]])
    assert board.of("a", "ready").values == []
    assert board.of("b", "ready").values == [0.5]
    assert duel.SLOW > 10
