"""What happens between a call that changes an endpoint and the state it leads to, in a thread of its own.

Blue/green: a whole new fleet, traffic moved to it in steps, each watched; then the old fleet goes. Rolling:
batch by batch. A new fleet that does not come up, an alarm, or too long a time: everything back.
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.sagemaker.endpoints.alarms import LOOK_EVERY, alarm_names, gone_off
from mdlc_emulator.engine.sagemaker.endpoints.endpoint import Endpoint, Pending, Traffic
from mdlc_emulator.engine.sagemaker.endpoints.fleet import Fleet, VariantError
from mdlc_emulator.engine.sagemaker.endpoints.schedule import batch_of, blue_green_steps

LOG = logging.getLogger(__name__)

ALL_AT_ONCE: dict[str, Any] = {
    "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
}
"""What an update without a DeploymentConfig does."""


class RollbackError(Exception):
    """The deployment must be undone; the message is the endpoint's FailureReason."""


def in_background(endpoint: Endpoint, work: Callable[[], None]) -> None:
    """Run `work` in a thread of its own; what it does not expect leaves the endpoint Failed."""

    def run() -> None:
        try:
            work()
        except Exception as error:
            LOG.exception("A change of endpoint %s failed", endpoint.name)
            endpoint.pending = None
            endpoint.enter(
                "Failed" if endpoint.traffic is None else "InService", f"Internal error: {error}"[:1024]
            )

    threading.Thread(target=run, name=f"endpoint-{endpoint.name}", daemon=True).start()


def create(endpoint: Endpoint, build: Callable[[], Fleet]) -> None:
    """Bring a new endpoint into service, or leave it Failed with the reason."""
    try:
        fleet = build()
        endpoint.message = f"Launching {fleet.size} instance(s)."
        endpoint.fleet = fleet
        fleet.start()
    except (VariantError, AwsError) as error:
        endpoint.enter("Failed", _text(error))
        return
    with endpoint.lock:
        if endpoint.status != "Creating":
            gone = True
        else:
            gone = False
            endpoint.traffic = Traffic([(fleet, Fraction(1))])
    if gone:
        fleet.close()
        return
    _settle(fleet)
    endpoint.enter("InService")


def delete(endpoint: Endpoint) -> None:
    """Take no further invocation, answer those under way, end the servers."""
    fleet = endpoint.fleet
    with endpoint.lock:
        endpoint.traffic = None
    if fleet is not None:
        fleet.close()
        if fleet.capture is not None:
            fleet.capture.flush()


class Deployment:
    """One UpdateEndpoint: from the fleet in service (blue) to that of another configuration (green)."""

    def __init__(
        self,
        endpoint: Endpoint,
        config_name: str,
        config: dict[str, Any],
        build: Callable[[], Fleet],
        policy: dict[str, Any],
    ) -> None:
        self._endpoint, self._config_name, self._config = endpoint, config_name, config
        self._build, self._policy = build, policy
        self._alarms = alarm_names(policy)
        self._deadline: float | None = None
        self._green: Fleet | None = None

    def run(self) -> None:
        """From Updating to InService: on the new configuration, or back on the old one with the reason."""
        endpoint = self._endpoint
        blue = endpoint.fleet
        if blue is None:
            raise RuntimeError(f"endpoint {endpoint.name} has nothing in service")
        rolling = self._policy.get("RollingUpdatePolicy")
        policy = rolling or self._policy.get("BlueGreenUpdatePolicy") or ALL_AT_ONCE
        if (seconds := policy.get("MaximumExecutionTimeoutInSeconds")) is not None:
            self._deadline = clock.now() + seconds
        try:
            green = self._green = self._build()
            if rolling is not None:
                self._roll(blue, green, rolling)
            else:
                self._shift(blue, green, policy)
        except (RollbackError, VariantError, AwsError) as error:
            self._go_back(blue, _text(error), rolling)
            return
        with endpoint.lock:
            endpoint.fleet, endpoint.pending = green, None
            endpoint.config_name, endpoint.config = self._config_name, self._config
        _settle(green)
        blue.close()
        endpoint.enter("InService")

    def _shift(self, blue: Fleet, green: Fleet, policy: dict[str, Any]) -> None:
        steps = blue_green_steps(policy, green.size)
        self._pend(green)
        self._say(green, "Creating", f"Launching {green.size} instance(s).")
        green.start()
        for step in steps:
            self._check_time()
            full = step.share == 1
            size = green.size if full else max(1, round(green.size * step.share))
            where = f"{'full' if full else 'canary'} capacity of {size} instance(s)."
            self._say(green, "ActivatingTraffic", f"Activating traffic on {where}")
            self._route(blue, green, step.share)
            if step.bake or self._alarms:
                self._say(
                    green,
                    "Baking",
                    f"Baking for {step.bake:g} seconds ({step.waits_for}) with traffic enabled on {where}",
                )
            self._bake(step.bake)
        self._say(blue, "Deleting", f"Terminating {blue.size} instance(s).")

    def _roll(self, blue: Fleet, green: Fleet, policy: dict[str, Any]) -> None:
        total = green.size
        wanted = {variant.name: variant.desired_count for variant in green.all}
        self._pend(green)
        while any(variant.count < wanted[variant.name] for variant in green.all):
            self._check_time()
            batch = batch_of(policy["MaximumBatchSize"], total)
            self._say(green, "Creating", f"Launching {min(batch, total)} instance(s).")
            for variant in green.all:
                variant.grow(min(batch, wanted[variant.name] - variant.count))
            done = sum(variant.count for variant in green.variants)
            self._say(green, "ActivatingTraffic", f"Activating traffic on {done} instance(s).")
            self._route(blue, green, Fraction(done, total))
            wait = float(policy["WaitIntervalInSeconds"])
            self._say(
                green,
                "Baking",
                f"Baking for {wait:g} seconds (WaitIntervalInSeconds) with traffic enabled on "
                f"{done} instance(s).",
            )
            self._bake(wait)
            for variant in blue.all:
                # One stays while blue takes traffic at all.
                least = 0 if done >= total else 1
                variant.shrink(min(batch, max(0, variant.count - least)))

    def _route(self, blue: Fleet, green: Fleet, share: Fraction) -> None:
        self._endpoint.traffic = Traffic([(blue, 1 - share), (green, share)])

    def _bake(self, seconds: float) -> None:
        """Wait, and look at the alarms: at once, while waiting, and at the end. RollbackError."""
        until = clock.now() + seconds
        while True:
            if self._alarms and (tripped := gone_off(self._endpoint.caller, self._alarms)):
                raise RollbackError(
                    f"The CloudWatch alarm(s) {', '.join(tripped)} went into state ALARM during "
                    "the deployment of "
                    f"endpoint configuration {self._config_name}: the endpoint was rolled back."
                )
            self._check_time()
            left = until - clock.now()
            if left <= 0:
                return
            _wait_until(min(until, clock.now() + LOOK_EVERY) if self._alarms else until)

    def _check_time(self) -> None:
        if self._deadline is not None and clock.now() > self._deadline:
            raise RollbackError(
                "The deployment exceeded its MaximumExecutionTimeoutInSeconds: the endpoint was rolled back."
            )

    def _pend(self, green: Fleet) -> None:
        self._endpoint.pending = Pending(self._config_name, green)

    def _say(self, fleet: Fleet, status: str, message: str) -> None:
        endpoint = self._endpoint
        for variant in fleet.all:
            variant.say(status)
        endpoint.message = message
        endpoint.touch()
        endpoint.announce("SageMaker Endpoint Deployment State Change")

    def _go_back(self, blue: Fleet, reason: str, rolling: dict[str, Any] | None) -> None:
        endpoint, green = self._endpoint, self._green
        endpoint.enter("RollingBack", reason)
        if rolling is not None:
            try:
                for variant in blue.all:
                    variant.grow(variant.desired_count - variant.count)
            except VariantError as error:
                endpoint.enter("UpdateRollbackFailed", f"{reason} The rollback failed too: {error}"[:1024])
                return
        endpoint.traffic = Traffic([(blue, Fraction(1))])
        endpoint.pending = None
        if green is not None:
            green.close()
        _settle(blue)
        endpoint.enter("InService", reason)


def rescale(endpoint: Endpoint, wanted: dict[str, dict[str, Any]]) -> None:
    """UpdateEndpointWeightsAndCapacities: new instances first, then weights, then those that are too many."""
    fleet = endpoint.fleet
    if fleet is None:
        raise RuntimeError(f"endpoint {endpoint.name} has nothing in service")
    before = {name: fleet.by_name[name].count for name in wanted}
    try:
        for name, change in wanted.items():
            variant = fleet.by_name[name]
            if "DesiredInstanceCount" in change:
                variant.desired_count = change["DesiredInstanceCount"]
                variant.say("Updating")
                endpoint.message = f"Scaling out desired instance count to {variant.desired_count}."
                variant.grow(variant.desired_count - variant.count)
    except VariantError as error:
        endpoint.enter("RollingBack", _text(error))
        for name, count in before.items():
            variant = fleet.by_name[name]
            variant.desired_count, variant.desired_weight = count, variant.weight
            variant.shrink(max(0, variant.count - count))
        _settle(fleet)
        endpoint.enter("InService", _text(error))
        return
    for name, change in wanted.items():
        variant = fleet.by_name[name]
        variant.weight = variant.desired_weight
        if "ServerlessUpdateConfig" in change and variant.serverless is not None:
            variant.serverless = variant.serverless | change["ServerlessUpdateConfig"]
    fleet.weigh()
    for name in wanted:
        variant = fleet.by_name[name]
        variant.shrink(max(0, variant.count - variant.desired_count))
    _settle(fleet)
    endpoint.enter("InService")


def _settle(fleet: Fleet) -> None:
    for variant in fleet.all:
        variant.say(None)


def _text(error: Exception) -> str:
    return (error.message if isinstance(error, AwsError) else str(error))[:1024]


def _wait_until(due: float) -> None:
    """Until the engine's clock says so."""
    come = threading.Event()
    timer = clock.clock().call_at(due, come.set)
    come.wait()
    timer.cancel()
