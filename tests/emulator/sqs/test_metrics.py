"""Metrics of queues reach CloudWatch although they are gathered, also those from before it was used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually


def test_the_messages_of_a_queue_are_counted(aws: Aws):
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="metrics-queue")["QueueUrl"]
    for body in ("a", "bb", "ccc"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    cloudwatch = aws.client("cloudwatch")

    def total(metric: str) -> float:
        now = datetime.now(UTC)
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName=metric,
            Dimensions=[{"Name": "QueueName", "Value": "metrics-queue"}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    assert eventually(lambda: total("NumberOfMessagesSent") == 3)
    assert total("SentMessageSize") == 6
