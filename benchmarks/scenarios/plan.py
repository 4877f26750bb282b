"""How often each thing is repeated, and the form of a step of the measurement."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.clients import Cloud

Measured = Mapping[str, list[float]]


@dataclass(frozen=True)
class Plan:
    """Repetitions within one round; a round begins with a fresh emulator."""

    rounds: int = 3
    warm_calls: int = 200
    cold_functions: int = 5
    parallel: int = 50
    executions: int = 5
    requests: int = 400
    code_changes: int = 3

    @classmethod
    def quick(cls) -> "Plan":
        """Enough to see a figure's size, in under a minute."""
        return cls(
            rounds=1, warm_calls=60, cold_functions=3, parallel=50, executions=2, requests=120, code_changes=1
        )


@dataclass(frozen=True)
class Step:
    """One measurement: belongs to a group, yields values in the unit of each figure it names."""

    group: str
    figures: tuple[str, ...]
    measure: Callable[[Cloud, Plan], Measured]
