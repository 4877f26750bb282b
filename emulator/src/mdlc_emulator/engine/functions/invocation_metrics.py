"""The metrics that Lambda publishes for each function, off the path of the invocation and in batches.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html: Invocations, Errors, Duration,
Throttles, ConcurrentExecutions, each by FunctionName and by FunctionName + Resource; async events, their
age and drops.

Samples go to CloudWatch every half second once anything uses CloudWatch. Before that they are kept here, so
that an emulator nobody asks for metrics need not load the service: `FLUSH_INTERVAL` after the first
CloudWatch call they are there.
"""

import logging
import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from localstack.aws.connect import connect_to
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.utils.bootstrap import is_api_enabled

LOG = logging.getLogger(__name__)
FLUSH_INTERVAL = 0.5
KEPT_WITHOUT_CLOUDWATCH = 50_000
"""Samples (not calls) held in memory before CloudWatch is loaded to take them."""
NAMESPACE = "AWS/Lambda"
UNITS = {"Duration": "Milliseconds", "AsyncEventAge": "Milliseconds"}


class Series(NamedTuple):
    account: str
    region: str
    metric: str
    function: str
    resource: str
    """`name` or `name:qualifier`; empty for the series by function alone."""
    second: int


class Metrics:
    """Gathers samples and publishes them; nothing is lost on a clean stop."""

    def __init__(self) -> None:
        self._samples: dict[Series, Counter[float]] = defaultdict(Counter)
        self._count = 0
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def record(
        self, account: str, region: str, function: str, resource: str, values: dict[str, float]
    ) -> None:
        """Count one sample of each metric in `values`, for the function and for the resource that was
        invoked."""
        second = int(time.time())
        with self._lock:
            for metric, value in values.items():
                self._samples[Series(account, region, metric, function, "", second)][value] += 1
                self._samples[Series(account, region, metric, function, resource, second)][value] += 1
            self._count += len(values)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lambda-metrics", daemon=True)
                self._thread.start()

    def stop(self, within: float = 2.0) -> None:
        """Publish what is there, then end."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(within)

    def _run(self) -> None:
        while not self._ending.wait(FLUSH_INTERVAL):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        if not is_api_enabled("cloudwatch"):
            with self._lock:
                self._samples.clear()
            return
        if not self._count:
            return
        if not SERVICE_PLUGINS.is_running("cloudwatch") and self._count < KEPT_WITHOUT_CLOUDWATCH:
            return
        with self._lock:
            samples, self._samples = self._samples, defaultdict(Counter)
            self._count = 0
        batches: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for series, counts in samples.items():
            batches[series.account, series.region].append(_datum(series, counts))
        for (account, region), data in batches.items():
            client = connect_to(aws_access_key_id=account, region_name=region).cloudwatch
            for start in range(0, len(data), 500):
                try:
                    client.put_metric_data(Namespace=NAMESPACE, MetricData=data[start : start + 500])
                except Exception:
                    LOG.warning("Could not publish %s metrics of Lambda", len(data), exc_info=True)


def _datum(series: Series, counts: Counter[float]) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": series.function}]
    if series.resource:
        dimensions.append({"Name": "Resource", "Value": series.resource})
    return {
        "MetricName": series.metric,
        "Dimensions": dimensions,
        "Timestamp": datetime.fromtimestamp(series.second, UTC),
        "Unit": UNITS.get(series.metric, "Count"),
        "Values": list(counts),
        "Counts": [float(count) for count in counts.values()],
    }
