"""One SageMaker resource, and the kinds there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller

type Request = dict[str, Any]
type Response = dict[str, Any]
type Operation = Callable[[Caller, Request], Response]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource. `path` is its part of the ARN ("training-job"), `missing` and `existing` make the
    errors for a name that is not there, or is there already, from the ARN."""

    path: str
    missing: Callable[[str], AwsError]
    existing: Callable[[str], AwsError]

    def arn(self, caller: Caller, name: str) -> str:
        """SageMaker writes the name into the ARN in lower case."""
        return f"arn:aws:sagemaker:{caller.region}:{caller.account}:{self.path}/{name.lower()}"


@dataclass(eq=False, slots=True)
class Resource:
    """`members` is what was asked for and what has become of it, as Describe shows it, but for the name, the
    ARN and the times. Change it under the store's lock, or replace a member by one assignment."""

    name: str
    arn: str
    caller: Caller
    members: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: float = field(default_factory=clock.now)
    modified: float = field(default_factory=clock.now)

    def touch(self) -> None:
        """It has been modified now."""
        self.modified = clock.now()

    def forget(self) -> None:
        """The emulator's state is being reset: end what runs for it, at once and without waiting."""


def moment(seconds: float) -> datetime:
    """A time as responses carry it: UTC, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
