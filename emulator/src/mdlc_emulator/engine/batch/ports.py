"""What a job needs of the rest of AWS, as protocols; `aws` has the ones that the engine uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mdlc_emulator.engine.aws_error import Caller


class StartError(Exception):
    """A container could not be started for a reason that lies outside it.

    `reason` is the container's, `status_reason` the attempt's, in the words of ECS.
    """

    def __init__(self, reason: str, status_reason: str = "Task failed to start") -> None:
        super().__init__(reason)
        self.reason = reason
        self.status_reason = status_reason


@dataclass(frozen=True, slots=True)
class Image:
    """What stands for a container image here.

    `entrypoint` comes before a job's command, `arguments` stand for it when the job has none; `path` are the
    directories that come first in PATH; `mounts` are (directory of the machine, absolute path inside).
    """

    entrypoint: Sequence[str] = ()
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    path: Sequence[Path] = ()
    mounts: Sequence[tuple[Path, str]] = ()
    working_directory: str = "/"


class LogStream(Protocol):
    """Where an attempt's output goes."""

    def line(self, text: str) -> None:
        """One line of output, without its end."""
        ...

    def close(self) -> None:
        """Return once every line can be read in CloudWatch Logs."""
        ...


class World(Protocol):
    """The services that jobs touch. Methods may block; StartError when a job cannot start because of them."""

    def image(self, uri: str) -> Image: ...

    def secret(self, caller: Caller, value_from: str) -> str:
        """The value of a secret or a parameter, named as ECS's `valueFrom` does."""
        ...

    def log_stream(self, caller: Caller, options: Mapping[str, str], name: str) -> LogStream:
        """A new stream `name`; `options` are those of the awslogs driver."""
        ...

    def surroundings(self, caller: Caller, role_arn: str | None) -> dict[str, str]:
        """Environment variables by which a job reaches AWS: endpoint, region, credentials of its role."""
        ...

    def announce(
        self, caller: Caller, detail_type: str, arns: Sequence[str], detail: Callable[[], dict[str, Any]]
    ) -> None:
        """Send an event of source aws.batch to EventBridge; returns at once. `detail` is called at once, or
        never when nobody listens."""
        ...
