"""The instances behind an endpoint's variants, and which of them takes a request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.containers.logs import LogWriter
from mdlc_emulator.engine.sagemaker.endpoints.capture import Capture
from mdlc_emulator.engine.sagemaker.endpoints.shares import Shares
from mdlc_emulator.engine.sagemaker.models.plan import ModelPlan
from mdlc_emulator.engine.sagemaker.servers.instance import Down, Instance, InstanceError

LOG = logging.getLogger(__name__)

DRAIN_SECONDS = 65.0
"""A retired instance gets this long to answer what it has taken: no invocation lasts longer than 60 s."""

RESTARTS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between the deaths of a server that has been in service and its next start; the last one stays."""

AT_ONCE = 4
"""Servers that are started at the same time: a machine has only so many processors."""


class VariantError(Exception):
    """An instance of a variant did not come into service. The message is the endpoint's FailureReason."""


class Variant:
    """A variant while it runs. `asked` is its ProductionVariant, `log(stream)` where its lines go."""

    def __init__(
        self, asked: dict[str, Any], plan: ModelPlan, log: Callable[[str], LogWriter], startup: float
    ) -> None:
        self.asked, self.plan = asked, plan
        self.name: str = asked["VariantName"]
        self.serverless: dict[str, Any] | None = asked.get("ServerlessConfig")
        self.weight: float = asked["InitialVariantWeight"]
        self.desired_weight = self.weight
        self.desired_count: int = asked.get("InitialInstanceCount", 1)
        self.status: str | None = "Creating"
        self.status_since = clock.now()
        self._log = log
        self._startup = float(asked.get("ContainerStartupHealthCheckTimeoutInSeconds", startup))
        self._instances: list[Instance] = []
        self._starting: list[Instance] = []
        self._turn = 0
        self._lock = threading.Lock()
        self._closed = False
        share = min(1.0, self.weight)
        self._sample = Shares([(True, share), (False, 1.0 - share)])
        self._busy = 0
        """Requests of a serverless variant that are under way."""

    @property
    def instances(self) -> list[Instance]:
        return list(self._instances)

    @property
    def count(self) -> int:
        return len(self._instances)

    def say(self, status: str | None) -> None:
        """What VariantStatus shows from now on; None for nothing."""
        self.status, self.status_since = status, clock.now()

    def grow(self, number: int) -> None:
        """Start `number` more instances and wait until all answer /ping. VariantError; then none of them is
        left."""
        if number <= 0:
            return
        memory = self.serverless["MemorySizeInMB"] if self.serverless else None
        fresh = [Instance(self.plan, self._sink, memory) for _ in range(number)]
        with self._lock:
            self._starting = [*self._starting, *fresh]
        with ThreadPoolExecutor(min(number, AT_ONCE)) as threads:
            outcomes = list(threads.map(self._started, fresh))
        with self._lock:
            self._starting = [one for one in self._starting if one not in fresh]
        failures = [failure for failure in outcomes if failure is not None]
        if failures or self._closed:
            for instance in fresh:
                instance.stop()
            raise VariantError(_reason(self.name, failures[0]) if failures else "The variant was removed.")
        with self._lock:
            self._instances = [*self._instances, *fresh]
        for instance in fresh:
            self._watch(instance, 0)

    def shrink(self, number: int) -> None:
        """Retire `number` instances, the oldest first, each once it has answered what it took."""
        with self._lock:
            gone, self._instances = self._instances[:number], self._instances[number:]
        for instance in gone:
            self._drain(instance)

    def close(self) -> None:
        """Retire all instances; returns when every request they took is answered."""
        self._closed = True
        with self._lock:
            gone, self._instances = self._instances, []
            starting = self._starting
        for instance in starting:  # in the place of one that was lost
            instance.stop(0.0)
        threads = [threading.Thread(target=one.close, args=(DRAIN_SECONDS,), daemon=True) for one in gone]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def kill(self) -> None:
        """End all servers now, whatever they are doing."""
        self._closed = True
        for instance in [*self._instances, *self._starting]:
            instance.stop(0.0)

    def sampled(self) -> bool:
        """Whether this request is one that a shadow variant gets: its weight is the share of them."""
        return self._sample.pick()

    def entered(self) -> Instance | None:
        """An instance that has counted one more request; None when none can take it now. By
        RoutingStrategy: the one with the fewest requests under way, or each in turn."""
        instances = self._instances
        if not instances:
            return None
        if len(instances) == 1:
            return instances[0] if instances[0].enter() else None
        self._turn += 1
        start = self._turn % len(instances)
        ordered = instances[start:] + instances[:start]
        if self.asked.get("RoutingConfig", {}).get("RoutingStrategy") == "LEAST_OUTSTANDING_REQUESTS":
            ordered.sort(key=lambda instance: instance.outstanding)
        if any(instance.doubtful for instance in ordered):
            ordered.sort(key=lambda instance: instance.doubtful)
        return next((instance for instance in ordered if instance.enter()), None)

    def admit(self) -> bool:
        """Count a request of a serverless variant; False when MaxConcurrency are under way already."""
        if self.serverless is None:
            return True
        with self._lock:
            if self._busy >= self.serverless["MaxConcurrency"]:
                return False
            self._busy += 1
            return True

    def dismiss(self) -> None:
        """A request that was admitted is over."""
        if self.serverless is not None:
            with self._lock:
                self._busy -= 1

    def _sink(self, stream: str) -> LogWriter:
        return self._log(f"{self.name}/{stream}")

    def _started(self, instance: Instance) -> InstanceError | None:
        try:
            instance.start(self._startup)
        except InstanceError as error:
            return error
        except Exception as error:
            LOG.exception("An instance of variant %s did not start", self.name)
            return InstanceError("primary", f"It could not be started: {error}")
        return None

    def _watch(self, instance: Instance, deaths: int) -> None:
        instance.when_down(lambda down: self._replace(instance, down, deaths))

    def _drain(self, instance: Instance) -> None:
        threading.Thread(
            target=instance.close, args=(DRAIN_SECONDS,), name="sagemaker-drain", daemon=True
        ).start()

    def _replace(self, dead: Instance, down: Down, deaths: int) -> None:
        """Put a new instance in the place of one whose server has ended or fails its pings, until one comes
        up. Requests that the old one has taken and still answers are waited for."""
        LOG.warning("Endpoint variant %s: %s; it is started again", self.name, down.what)
        if down.answers:
            self._drain(dead)
        else:
            dead.stop()
        pause = threading.Event()
        while not self._closed:
            pause.wait(RESTARTS[min(deaths, len(RESTARTS) - 1)])
            deaths += 1
            fresh = Instance(
                self.plan, self._sink, self.serverless["MemorySizeInMB"] if self.serverless else None
            )
            with self._lock:
                self._starting = [*self._starting, fresh]
            failure = None if self._closed else self._started(fresh)
            with self._lock:
                self._starting = [one for one in self._starting if one is not fresh]
                wanted = not self._closed and dead in self._instances
                if wanted and failure is None:
                    self._instances = [fresh if one is dead else one for one in self._instances]
            if not wanted:
                fresh.stop()
                return
            if failure is None:
                self._watch(fresh, deaths)
                return


class Fleet:
    """The variants of one endpoint configuration, with the traffic among them."""

    def __init__(self, variants: Sequence[Variant], shadows: Sequence[Variant] = ()) -> None:
        self.variants, self.shadows = list(variants), list(shadows)
        self.by_name = {variant.name: variant for variant in variants}
        self.capture: Capture | None = None
        self._shares: Shares[Variant] | None = None
        self.weigh()

    def weigh(self) -> None:
        """Take the variants' weights as they are now."""
        weighted = [(variant, variant.weight) for variant in self.variants]
        self._shares = Shares(weighted) if any(weight > 0 for _, weight in weighted) else None

    def pick(self) -> Variant | None:
        """The variant whose turn it is; None when no variant has a weight."""
        return self._shares.pick() if self._shares is not None else None

    @property
    def all(self) -> list[Variant]:
        return [*self.variants, *self.shadows]

    @property
    def size(self) -> int:
        return sum(variant.desired_count for variant in self.variants)

    def start(self) -> None:
        """Start every variant with the number of instances that it wants. VariantError; then nothing is
        left."""
        failures: list[VariantError] = []

        def grow(variant: Variant) -> None:
            try:
                variant.grow(variant.desired_count)
            except VariantError as error:
                failures.append(error)

        threads = [threading.Thread(target=grow, args=(one,), daemon=True) for one in self.all]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            self.close()
            raise failures[0]

    def close(self) -> None:
        """Retire everything; returns when every request taken is answered."""
        threads = [threading.Thread(target=variant.close, daemon=True) for variant in self.all]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def kill(self) -> None:
        """End all servers now."""
        for variant in self.all:
            variant.kill()


def _reason(variant: str, failure: InstanceError) -> str:
    """The sentence that DescribeEndpoint shows on AWS, then what happened here."""
    if not failure.asked:
        return failure.why[:1024]
    return (
        f"The {failure.label} container for production variant {variant} did not pass the ping health check. "
        f"Please check CloudWatch logs for this endpoint. {failure.why}"
    )[:1024]
