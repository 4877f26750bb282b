"""How a deployment moves traffic, as a list of steps: pure, so that its laws can be tested.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from mdlc_emulator.engine.sagemaker.kernel.errors import invalid

MOST_OF_A_CANARY = Fraction(1, 2)
LEAST_OF_A_STEP, MOST_OF_A_STEP = Fraction(1, 10), Fraction(1, 2)


class Step(NamedTuple):
    """From now on the green fleet takes `share` of the traffic, and is watched for `bake` seconds.
    `waits_for` is the name of the setting that says so long."""

    share: Fraction
    bake: float
    waits_for: str


def blue_green_steps(policy: dict[str, Any], instances: int) -> list[Step]:
    """The steps of a BlueGreenUpdatePolicy for a fleet of `instances`. ValidationException for sizes that
    SageMaker does not take."""
    routing = policy["TrafficRoutingConfiguration"]
    wait = float(routing["WaitIntervalInSeconds"])
    last = Step(Fraction(1), float(policy.get("TerminationWaitInSeconds", 0)), "TerminationWaitInSeconds")
    kind = routing["Type"]
    _check_sizes(routing, kind)
    if kind == "ALL_AT_ONCE":
        return [last]
    if kind == "CANARY":
        share = _share(routing["CanarySize"], instances)
        if share > MOST_OF_A_CANARY:
            raise invalid("CanarySize must be less than or equal to 50% of the capacity of the variant.")
        return [Step(share, wait, "WaitIntervalInSeconds"), last]
    share = _share(routing["LinearStepSize"], instances)
    if not LEAST_OF_A_STEP <= share <= MOST_OF_A_STEP:
        raise invalid("LinearStepSize must be between 10% and 50% of the capacity of the variant.")
    steps = []
    moved = share
    while moved < 1:
        steps.append(Step(moved, wait, "WaitIntervalInSeconds"))
        moved += share
    return [*steps, last]


def _check_sizes(routing: dict[str, Any], kind: str) -> None:
    for member, of in (("CanarySize", "CANARY"), ("LinearStepSize", "LINEAR")):
        if (member in routing) != (kind == of):
            verb = "must be specified" if kind == of else "must not be specified"
            raise invalid(f"{member} {verb} when the traffic routing type is {kind}.")


def _share(size: dict[str, Any], instances: int) -> Fraction:
    if size["Type"] == "CAPACITY_PERCENT":
        if size["Value"] > 100:
            raise invalid("A capacity size in percent is at most 100.")
        return Fraction(size["Value"], 100)
    return Fraction(size["Value"], max(1, instances))


def batch_of(size: dict[str, Any], instances: int) -> int:
    """How many of `instances` one batch of a RollingUpdatePolicy replaces: 5 to 50 percent, at least one."""
    if size["Type"] == "INSTANCE_COUNT":
        if size["Value"] > max(1, instances // 2):
            raise invalid("MaximumBatchSize must be between 5% and 50% of the capacity of the variant.")
        return int(size["Value"])
    if not 5 <= size["Value"] <= 50:
        raise invalid("MaximumBatchSize must be between 5% and 50% of the capacity of the variant.")
    return max(1, instances * int(size["Value"]) // 100)


def check(deployment: dict[str, Any], instances: int) -> None:
    """The errors of a DeploymentConfig that a fleet of `instances` shows."""
    blue_green = deployment.get("BlueGreenUpdatePolicy")
    rolling = deployment.get("RollingUpdatePolicy")
    if blue_green is not None and rolling is not None:
        raise invalid("You can specify only one of BlueGreenUpdatePolicy and RollingUpdatePolicy.")
    if blue_green is not None:
        blue_green_steps(blue_green, instances)
    if rolling is not None:
        batch_of(rolling["MaximumBatchSize"], instances)
        back = rolling.get("RollbackMaximumBatchSize", {"Type": "INSTANCE_COUNT"})
        if back["Type"] == "CAPACITY_PERCENT" and back["Value"] > 100:
            raise invalid("A capacity size in percent is at most 100.")
