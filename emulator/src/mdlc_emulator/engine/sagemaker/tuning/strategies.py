"""How the next values are chosen: at random, one after the other, or by what was found before.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
"""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from mdlc_emulator.engine.sagemaker.tuning.ranges import Assignment, Choice, Range, combinations

TRIES = 200
"""Draws before the rest of a finite space is counted out."""

ENUMERABLE = 100_000
"""Assignments that are counted out at most."""


class Strategy(Protocol):
    """Chooses assignments. One thread calls it."""

    def ask(self) -> Assignment | None:
        """The next values to try, None when there are no others."""
        ...

    def tell(self, assignment: Assignment, value: float | None) -> None:
        """What came of an assignment; the larger the better, None for a failure."""
        ...


class Unseen:
    """Keeps finite spaces from being tried twice at the same point."""

    def __init__(self, ranges: Sequence[Range], draw: random.Random) -> None:
        self._ranges, self._draw = ranges, draw
        self._left = combinations(ranges)
        self._seen: set[tuple[str, ...]] = set()

    def take(self, candidates: Iterator[Assignment]) -> Assignment | None:
        """The first candidate that is new; when none of TRIES is, any new one; None when all are seen."""
        if len(self._seen) >= self._left:
            return None
        for candidate in itertools.islice(candidates, TRIES):
            if self._note(candidate):
                return candidate
        if self._left > ENUMERABLE:
            return next(candidates)
        rest = [each for each in _all(self._ranges) if tuple(each.values()) not in self._seen]
        chosen = self._draw.choice(rest)
        self._note(chosen)
        return chosen

    def _note(self, candidate: Assignment) -> bool:
        point = tuple(candidate[each.name] for each in self._ranges)
        if point in self._seen:
            return False
        self._seen.add(point)
        return True


def _all(ranges: Sequence[Range]) -> Iterator[dict[str, str]]:
    for point in itertools.product(*(each.values() for each in ranges)):
        yield {each.name: value for each, value in zip(ranges, point, strict=True)}


class RandomSearch:
    """The k-th assignment depends on the seed and k alone, however long the jobs before it take."""

    def __init__(self, ranges: Sequence[Range], seed: int) -> None:
        self._ranges, self._draw = ranges, random.Random(seed)  # noqa: S311
        self._unseen = Unseen(ranges, self._draw)

    def ask(self) -> Assignment | None:
        return self._unseen.take(self._candidates())

    def tell(self, assignment: Assignment, value: float | None) -> None:
        """Nothing is learned."""

    def _candidates(self) -> Iterator[Assignment]:
        while True:
            yield {each.name: each.value(self._draw.random()) for each in self._ranges}


class GridSearch:
    """Every combination of categorical values once, the last hyperparameter changing fastest."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._rest = _all(ranges)

    def ask(self) -> Assignment | None:
        return next(self._rest, None)

    def tell(self, assignment: Assignment, value: float | None) -> None:
        """Nothing is learned."""


class BayesianSearch:
    """A model of what was found says where it is worth looking: optuna's tree-structured Parzen estimator,
    over the scaled unit interval. `first` assignments are drawn at random."""

    def __init__(self, ranges: Sequence[Range], seed: int, first: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self._ranges = ranges
        self._draw = random.Random(seed)  # noqa: S311
        self._unseen = Unseen(ranges, self._draw)
        sampler = optuna.samplers.TPESampler(
            seed=seed % 2**32,
            n_startup_trials=first,
            multivariate=True,
            constant_liar=True,
            warn_independent_sampling=False,
        )
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._optuna: Any = optuna
        self._space: dict[str, Any] = {
            each.name: optuna.distributions.CategoricalDistribution(each.options)
            if isinstance(each, Choice)
            else optuna.distributions.FloatDistribution(0.0, 1.0)
            for each in ranges
        }
        self._asked: list[tuple[Assignment, Any]] = []

    def ask(self) -> Assignment | None:
        drawn: list[Any] = []

        def candidates() -> Iterator[Assignment]:
            while True:
                trial = self._study.ask(self._space)
                drawn.append(trial)
                yield self._assignment(trial.params)

        chosen = self._unseen.take(candidates())
        for trial in drawn:
            if chosen is not None and self._assignment(trial.params) == chosen:
                self._asked.append((chosen, trial))
                chosen = dict(chosen)
                break
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return chosen

    def _assignment(self, params: dict[str, Any]) -> Assignment:
        return {
            each.name: params[each.name] if isinstance(each, Choice) else each.value(params[each.name])
            for each in self._ranges
        }

    def tell(self, assignment: Assignment, value: float | None) -> None:
        """Also for what another tuning job has found; values outside the ranges are passed over."""
        found = next((pair for pair in self._asked if pair[0] == assignment), None)
        failed = self._optuna.trial.TrialState.FAIL
        if found is not None:
            self._asked.remove(found)
            if value is None:
                self._study.tell(found[1], state=failed)
            else:
                self._study.tell(found[1], value)
            return
        units = {each.name: each.unit(assignment.get(each.name, "")) for each in self._ranges}
        if value is None or None in units.values():
            return
        params = {
            each.name: assignment[each.name] if isinstance(each, Choice) else units[each.name]
            for each in self._ranges
        }
        self._study.add_trial(
            self._optuna.trial.create_trial(params=params, distributions=self._space, value=value)
        )


def make(strategy: str, ranges: Sequence[Range], seed: int, most: int) -> Strategy:
    """The strategy of that name. Hyperband draws at random: it differs in when jobs are stopped. Of `most`
    jobs a Bayesian search draws a quarter at random first, three at least, ten at most."""
    match strategy:
        case "Grid":
            return GridSearch(ranges)
        case "Bayesian" if ranges:
            return BayesianSearch(ranges, seed, first=min(max(most // 4, 3), 10))
        case _:
            return RandomSearch(ranges, seed)
