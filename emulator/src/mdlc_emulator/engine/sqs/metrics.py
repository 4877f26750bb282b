"""The metrics of queues, gathered and published in batches.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html

Stock LocalStack makes one to two PutMetricData calls for each message, each with a commit to disk: several
times the work of the message itself. Here samples are added up by second and sent every `FLUSH_INTERVAL`, and
only once something uses CloudWatch; until then they wait, at most `KEPT` of them.
"""

import logging
import threading
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from localstack.aws.connect import connect_to
from localstack.services.plugins import SERVICE_PLUGINS
from localstack.services.sqs.provider import CloudwatchDispatcher

LOG = logging.getLogger(__name__)

FLUSH_INTERVAL = 0.5
KEPT = 20_000
"""Series-seconds held in memory before CloudWatch is loaded to take them."""

_BATCH = 500


class Series(NamedTuple):
    """Samples of one metric of one queue within one second."""

    account: str
    region: str
    queue: str
    metric: str
    unit: str
    second: int


class GatheringDispatcher(CloudwatchDispatcher):
    """What the SQS provider tells of its messages."""

    def __init__(self, num_thread: int = 1) -> None:
        self.running = True
        self._samples: dict[Series, Counter[float]] = defaultdict(Counter)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def dispatch_sqs_metric(
        self,
        account_id: str,
        region: str,
        queue_name: str,
        metric: str,
        value: float = 1,
        unit: str = "Count",
    ) -> None:
        series = Series(account_id, region, queue_name, metric, unit, int(time.time()))
        with self._lock:
            self._samples[series][value] += 1
            if self._thread is None and self.running:
                self._thread = threading.Thread(target=self._run, name="sqs-metrics", daemon=True)
                self._thread.start()

    def shutdown(self) -> None:
        self.running = False
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(FLUSH_INTERVAL):
            if SERVICE_PLUGINS.is_running("cloudwatch") or len(self._samples) >= KEPT:
                self.flush()
        if SERVICE_PLUGINS.is_running("cloudwatch"):
            self.flush()

    def flush(self) -> None:
        """Publish what was gathered."""
        with self._lock:
            samples, self._samples = self._samples, defaultdict(Counter)
        batches: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for series, counts in samples.items():
            batches[series.account, series.region].append(_datum(series, counts))
        for (account, region), data in batches.items():
            client = connect_to(aws_access_key_id=account, region_name=region).cloudwatch
            for start in range(0, len(data), _BATCH):
                try:
                    client.put_metric_data(Namespace="AWS/SQS", MetricData=data[start : start + _BATCH])
                except Exception:
                    LOG.warning("Could not publish %s metrics of queues", len(data), exc_info=True)


def _datum(series: Series, counts: Counter[float]) -> dict[str, Any]:
    return {
        "MetricName": series.metric,
        "Dimensions": [{"Name": "QueueName", "Value": series.queue}],
        "Timestamp": datetime.fromtimestamp(series.second, UTC),
        "Unit": series.unit,
        "Values": [float(value) for value in counts],
        "Counts": [float(count) for count in counts.values()],
    }
