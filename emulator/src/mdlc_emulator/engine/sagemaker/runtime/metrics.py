"""The metrics of endpoints, off the path of the invocation and in batches.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-endpoint-invocation:
Invocations, InvocationsPerInstance, Invocation4XXErrors, Invocation5XXErrors, InvocationModelErrors,
ModelLatency and OverheadLatency (microseconds), each by EndpointName + VariantName.

Samples are in CloudWatch within about a second, once anything uses CloudWatch; before that they are kept
here, so that nobody loads the service for metrics that nobody asks for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.clients import client

LOG = logging.getLogger(__name__)

NAMESPACE = "AWS/SageMaker"
FLUSH_SECONDS = 0.5
KEPT_WITHOUT_CLOUDWATCH = 100_000
"""Statistics (one for each metric, variant and second) held before CloudWatch is loaded to take them."""
_UNITS = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds"}
_DEFAULT_UNIT = "None"


class _Series(NamedTuple):
    caller: Caller
    endpoint: str
    variant: str
    metric: str
    second: int


class Invocations:
    """Gathers and publishes. One statistic for each second: count, sum, least and most."""

    def __init__(self) -> None:
        self._statistics: dict[_Series, list[float]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def record(self, caller: Caller, endpoint: str, variant: str, values: dict[str, float]) -> None:
        """One sample of each metric in `values`."""
        second = int(time.time())
        with self._lock:
            for metric, value in values.items():
                series = _Series(caller, endpoint, variant, metric, second)
                found = self._statistics.get(series)
                if found is None:
                    self._statistics[series] = [1.0, value, value, value]
                else:
                    found[0] += 1.0
                    found[1] += value
                    if value < found[2]:
                        found[2] = value
                    elif value > found[3]:
                        found[3] = value
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sagemaker-metrics", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        ticks = threading.Event()
        while True:
            ticks.wait(FLUSH_SECONDS)
            self._flush()

    def _flush(self) -> None:
        from localstack.services.plugins import SERVICE_PLUGINS

        if not self._statistics:
            return
        if not SERVICE_PLUGINS.is_running("cloudwatch") and len(self._statistics) < KEPT_WITHOUT_CLOUDWATCH:
            return
        with self._lock:
            statistics, self._statistics = self._statistics, {}
        batches: dict[Caller, list[dict[str, Any]]] = defaultdict(list)
        for series, numbers in statistics.items():
            batches[series.caller].append(_datum(series, numbers))
        for caller, data in batches.items():
            for start in range(0, len(data), 500):
                try:
                    client("cloudwatch", caller).put_metric_data(
                        Namespace=NAMESPACE, MetricData=data[start : start + 500]
                    )
                except Exception:
                    LOG.warning("Could not publish %s metrics of endpoints", len(data), exc_info=True)


def _datum(series: _Series, numbers: list[float]) -> dict[str, Any]:
    count, total, least, most = numbers
    return {
        "MetricName": series.metric,
        "Dimensions": [
            {"Name": "EndpointName", "Value": series.endpoint},
            {"Name": "VariantName", "Value": series.variant},
        ],
        "Timestamp": datetime.fromtimestamp(series.second, UTC),
        "Unit": _UNITS.get(series.metric, _DEFAULT_UNIT),
        "StatisticValues": {"SampleCount": count, "Sum": total, "Minimum": least, "Maximum": most},
    }


INVOCATIONS = Invocations()
