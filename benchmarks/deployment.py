"""`mdlc deploy`, the first time and after a change of code."""

from benchmarks.duel import Board
from benchmarks.scenarios.plan import Plan


def deploy(plan: Plan, board: Board) -> None:
    pass
