"""Numbers on their way to CloudWatch, gathered and sent together, off the path of the job."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.clients import client
from mdlc_emulator.engine.sagemaker.kernel.resource import moment

LOG = logging.getLogger(__name__)
GATHER_SECONDS = 0.5
MOST = 500
"""Data of one PutMetricData; https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
allows 1,000."""


class Publisher:
    """Takes data from any thread; one thread of its own, started with the first, sends them."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[Caller, str], list[dict[str, Any]]] = defaultdict(list)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(
        self, caller: Caller, namespace: str, name: str, value: float, at: float, dimensions: dict[str, str]
    ) -> None:
        """One value of a metric at a moment in seconds since the epoch."""
        datum = {
            "MetricName": name,
            "Value": value,
            "Timestamp": moment(at),
            "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
        }
        with self._changed:
            self._waiting[caller, namespace].append(datum)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="sagemaker-metrics", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
            time.sleep(GATHER_SECONDS)
            with self._changed:
                waiting, self._waiting = self._waiting, defaultdict(list)
            for (caller, namespace), data in waiting.items():
                _send(caller, namespace, data)


def _send(caller: Caller, namespace: str, data: list[dict[str, Any]]) -> None:
    for start in range(0, len(data), MOST):
        try:
            client("cloudwatch", caller).put_metric_data(
                Namespace=namespace, MetricData=data[start : start + MOST]
            )
        except Exception:
            LOG.exception("Metrics of SageMaker could not be sent to CloudWatch.")


PUBLISHER = Publisher()
