"""What the application needs besides its functions, by stage. workflows/template.yaml makes it; a test
compares them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["table", "stream", "bucket", "queue"]

APPLICATION = "mdlc"


@dataclass(frozen=True, order=True)
class Resource:
    """One resource by kind and name. A bucket's real name ends in `-<account>-<region>`, as bucket names are
    shared by the whole world."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class MissingResourcesError(Exception):
    """Resources that a request needs do not exist. The message says which and how to make them."""

    def __init__(self, missing: Iterable[Resource], stage: str) -> None:
        self.missing = sorted(missing)
        super().__init__(remedy(self.missing, stage))


class AccessError(Exception):
    """AWS could not be asked: no credentials, no right, no answer. The message says which."""


def lifecycles_table(stage: str) -> Resource:
    """Which version of each lifecycle is live."""
    return Resource("table", f"{APPLICATION}-{stage}-lifecycles")


def required(stage: str) -> tuple[Resource, ...]:
    """Everything the application needs on `stage`."""
    prefix = f"{APPLICATION}-{stage}"
    return (
        Resource("stream", f"{prefix}-events"),
        lifecycles_table(stage),
        Resource("bucket", f"{prefix}-raw"),
        Resource("bucket", f"{prefix}-tables"),
        Resource("queue", f"{prefix}-failed-events"),
    )


def remedy(missing: Sequence[Resource], stage: str) -> str:
    """One sentence: what is missing and how to make it."""
    names = ", ".join(str(resource) for resource in missing)
    verb = "is" if len(missing) == 1 else "are"
    return f"Missing {verb} {names}: run `mdlc deploy --stage {stage}` to make what the application needs."
