"""boto3 clients for the adapters: made when first needed, kept for the life of the process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from app.resources import AccessError

_ATTEMPTS = 3
_CONNECT_SECONDS = 2.0
_READ_SECONDS = 10.0


class Clients:
    """Clients of the account and region that the environment names (AWS_ENDPOINT_URL included)."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def get(self, service: str) -> Any:
        """The client of `service`. Importing boto3 is left until here: functions that need no AWS start
        faster."""
        if service not in self._made:
            import boto3
            from botocore.config import Config

            self._made[service] = boto3.client(
                service,  # type: ignore[call-overload]
                config=Config(
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=_READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                ),
            )
        return self._made[service]

    def account(self) -> str:
        """The account's number; asked once."""
        if "account" not in self._made:
            self._made["account"] = self.get("sts").get_caller_identity()["Account"]
        return str(self._made["account"])


def code_of(error: ClientError) -> str:
    """AWS's code of an error, such as ResourceNotFoundException (for HeadBucket: the status, such as 404)."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def access(what: str) -> Iterator[None]:
    """Turn AWS's own errors into AccessError, with `what` was being done."""
    try:
        yield
    except ClientError as error:
        raise AccessError(f"{what}: AWS answered {code_of(error)}.") from error
    except (NoRegionError, NoCredentialsError) as error:
        way_out = 'set them as for AWS, or for the emulator by `eval "$(mdlc env)"`.'
        raise AccessError(f"{what}: {str(error).rstrip('.')}: {way_out}") from error
    except BotoCoreError as error:
        raise AccessError(f"{what}: {error}") from error
