"""Which version of each lifecycle is live: the last one registered, in whatever order registrations
arrive."""

from dataclasses import dataclass
from typing import Protocol

from botocore.exceptions import ClientError

from app.adapters.aws import Clients, access, code_of
from app.resources import MissingResourcesError, lifecycles_table


@dataclass(frozen=True)
class Registration:
    """`registered_at` is an instant in ISO 8601, UTC, always with as many digits: as text it sorts as in
    time."""

    name: str
    digest: str
    registered_at: str

    def supersedes(self, other: "Registration | None") -> bool:
        """Later wins; at the same instant the greater digest, so that every order of arrival ends alike."""
        return other is None or (self.registered_at, self.digest) > (other.registered_at, other.digest)


class Registrations(Protocol):
    """Both methods raise MissingResourcesError where there is no table, and AccessError."""

    def get(self, name: str) -> Registration | None:
        """The live registration of `name`."""

    def record(self, registration: Registration) -> bool:
        """Make it the live one unless a later one is known. Whether it changed anything: a replay does
        not."""


class AwsRegistrations:
    """In DynamoDB, one item for each lifecycle, written conditionally."""

    def __init__(self, clients: Clients, stage: str) -> None:
        self._clients = clients
        self._stage = stage
        self._table = lifecycles_table(stage)

    def get(self, name: str) -> Registration | None:
        with access(f"Cannot read the {self._table}"):
            try:
                answer = self._clients.get("dynamodb").get_item(
                    TableName=self._table.name, Key={"name": {"S": name}}, ConsistentRead=True
                )
            except ClientError as error:
                raise self._or_missing(error) from error
        item = answer.get("Item")
        return Registration(name, item["digest"]["S"], item["registered_at"]["S"]) if item else None

    def record(self, registration: Registration) -> bool:
        with access(f"Cannot write the {self._table}"):
            try:
                self._clients.get("dynamodb").put_item(
                    TableName=self._table.name,
                    Item={
                        "name": {"S": registration.name},
                        "digest": {"S": registration.digest},
                        "registered_at": {"S": registration.registered_at},
                    },
                    ConditionExpression="attribute_not_exists(#name) OR registered_at < :at"
                    " OR (registered_at = :at AND digest < :digest)",
                    ExpressionAttributeNames={"#name": "name"},
                    ExpressionAttributeValues={
                        ":at": {"S": registration.registered_at},
                        ":digest": {"S": registration.digest},
                    },
                )
            except ClientError as error:
                if code_of(error) == "ConditionalCheckFailedException":
                    return False
                raise self._or_missing(error) from error
        return True

    def _or_missing(self, error: ClientError) -> Exception:
        if code_of(error) == "ResourceNotFoundException":
            return MissingResourcesError([self._table], self._stage)
        return error


class InMemoryRegistrations:
    """In a dictionary, by the same rule."""

    def __init__(self) -> None:
        self._live: dict[str, Registration] = {}

    def get(self, name: str) -> Registration | None:
        return self._live.get(name)

    def record(self, registration: Registration) -> bool:
        if not registration.supersedes(self._live.get(registration.name)):
            return False
        self._live[registration.name] = registration
        return True
