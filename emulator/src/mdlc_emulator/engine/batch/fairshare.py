"""Fair shares: whose turn it is in a queue with a scheduling policy. Pure.

AWS documents what the weights mean, not the formula. Here a share's usage is the vCPU seconds of its jobs in
the policy's window, newer ones counting for more, times its weight; the lowest goes first (ADR 122).

Source: https://docs.aws.amazon.com/batch/latest/userguide/fair-share-scheduling-policies.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_WINDOW = 600.0
EXPECTED_SECONDS = 60.0
"""What a running job is charged ahead, so that jobs placed at one moment are spread over the shares."""


@dataclass(slots=True)
class Usage:
    """`vcpus` held by a job of `share` since `start`, until `stop`; seconds since the epoch."""

    share: str
    vcpus: float
    start: float
    stop: float | None = None


@dataclass
class Usages:
    """What the jobs of one queue have used."""

    entries: list[Usage] = field(default_factory=list)

    def begin(self, share: str, vcpus: float, now: float) -> Usage:
        entry = Usage(share, vcpus, now)
        self.entries.append(entry)
        return entry

    def of(self, share: str, now: float, window: float) -> float:
        """Decayed vCPU seconds of `share`."""
        return sum(_decayed(each, now, window) for each in self.entries if each.share == share)

    def forget(self, before: float) -> None:
        self.entries = [each for each in self.entries if each.stop is None or each.stop >= before]

    def running(self) -> Mapping[str, float]:
        """vCPU held at this moment, by share."""
        held: dict[str, float] = {}
        for each in self.entries:
            if each.stop is None:
                held[each.share] = held.get(each.share, 0.0) + each.vcpus
        return held


def _decayed(entry: Usage, now: float, window: float) -> float:
    """The integral of 1 - age / window over the time in which `entry` held its vCPU."""
    youngest = 0.0 if entry.stop is None else max(0.0, now - entry.stop)
    oldest = min(window, now - entry.start)
    seconds = 0.0
    if oldest > youngest:
        seconds = (oldest - youngest) - (oldest**2 - youngest**2) / (2 * window)
    if entry.stop is None:
        seconds += EXPECTED_SECONDS
    return entry.vcpus * seconds


def weight(policy: Mapping[str, Any], share: str) -> float:
    """The weight factor of `share`: its own entry, that of its prefix, or 1."""
    for each in policy.get("shareDistribution") or ():
        identifier = each["shareIdentifier"]
        if identifier == share or (identifier.endswith("*") and share.startswith(identifier[:-1])):
            return float(each["weightFactor"])
    return 1.0


def next_share(policy: Mapping[str, Any], waiting: Collection[str], usages: Usages, now: float) -> str:
    """Which of the shares in `waiting` (not empty) has used least for its weight; ties go by name."""
    window = float(policy.get("shareDecaySeconds") or DEFAULT_WINDOW)
    usages.forget(now - window)
    return min(waiting, key=lambda share: (weight(policy, share) * usages.of(share, now, window), share))


def allowed(policy: Mapping[str, Any], capacity: float, active: int) -> float:
    """vCPU of `capacity` that `active` shares may use, the rest being reserved for others."""
    reservation = float(policy.get("computeReservation") or 0) / 100
    return float(capacity * (1 - reservation**active)) if reservation else capacity
