"""Does a resource exist?"""

from collections.abc import Callable, Iterable
from typing import Protocol

from botocore.exceptions import ClientError

from app.adapters.aws import Clients, access, code_of
from app.resources import Kind, Resource

_ABSENT = {
    "ResourceNotFoundException",
    "404",
    "NoSuchBucket",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
}


class Inspector(Protocol):
    def exists(self, resource: Resource) -> bool:
        """Whether `resource` exists. Raises AccessError when that cannot be found out."""


class AwsInspector:
    """Asks AWS."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._asks: dict[Kind, Callable[[str], object]] = {
            "table": lambda name: clients.get("dynamodb").describe_table(TableName=name),
            "stream": lambda name: clients.get("kinesis").describe_stream_summary(StreamName=name),
            "bucket": self._head_bucket,
            "queue": lambda name: clients.get("sqs").get_queue_url(QueueName=name),
        }

    def exists(self, resource: Resource) -> bool:
        with access(f"Cannot look for the {resource}"):
            try:
                self._asks[resource.kind](resource.name)
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return False
                raise
        return True

    def _head_bucket(self, name: str) -> object:
        s3 = self._clients.get("s3")
        return s3.head_bucket(Bucket=f"{name}-{self._clients.account()}-{s3.meta.region_name}")


class InMemoryInspector:
    """Knows the resources it was given."""

    def __init__(self, existing: Iterable[Resource] = ()) -> None:
        self.existing = set(existing)

    def exists(self, resource: Resource) -> bool:
        return resource in self.existing
