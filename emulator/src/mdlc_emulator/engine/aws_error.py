"""An error in AWS's shape, raised by the services of this engine without importing LocalStack."""

from __future__ import annotations

from typing import Any, NamedTuple


class AwsError(Exception):
    """What an operation answers instead of a result.

    `code` and `message` are AWS's; `members` are the further members of the error's shape
    (`CancellationReasons`, `Item`); `status` is the HTTP status.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


class Caller(NamedTuple):
    """Who calls, and in which partition of the emulator's state: account id, region."""

    account: str
    region: str
