"""A measured figure beside its target and the peer's: verdict and ratio."""

from dataclasses import dataclass, field
from enum import StrEnum

from benchmarks.catalogue import Figure
from benchmarks.samples import Summary


class Verdict(StrEnum):
    """How a figure stands to what we must reach."""

    STRETCH = "stretch"
    TARGET = "target"
    SHORT = "**short**"
    FAILED = "**failed**"
    NONE = ""


@dataclass
class Samples:
    """What one emulator gave for one figure, over all rounds, or why it gave nothing."""

    values: list[float] = field(default_factory=list)
    failure: str | None = None

    def summary(self) -> Summary | None:
        """None when it failed in any round, or was never measured: half a result is none."""
        return Summary.of(self.values) if self.values and self.failure is None else None


@dataclass(frozen=True)
class Result:
    """One row of the report."""

    figure: Figure
    ours: Samples
    peer: Samples | None = None

    @property
    def verdict(self) -> Verdict:
        """By our median. A figure whose answers were wrong is failed, however fast they were."""
        measured = self.ours.summary()
        if measured is None:
            return Verdict.FAILED if self.ours.failure else Verdict.NONE
        return judge(measured.median, self.figure.target, self.figure.stretch)

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's (below 1 we are better); None unless both were measured in this run."""
        ours, peer = self.ours.summary(), self.peer.summary() if self.peer else None
        return ours.median / peer.median if ours and peer and peer.median else None


def judge(value: float, target: float | None, stretch: float | None) -> Verdict:
    """The verdict on a value in the figure's unit, lower being better. Limits themselves are met."""
    if target is None:
        return Verdict.NONE
    if stretch is not None and value <= stretch:
        return Verdict.STRETCH
    return Verdict.TARGET if value <= target else Verdict.SHORT
