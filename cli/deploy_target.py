"""Where a stage is deployed to: `local` to an emulator, every other stage to AWS itself, never the other way
around."""

import os
import re
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.deploy_project import LOCAL
from cli.exits import Exit, MdlcError
from cli.target import chosen, region

_DUMMY_KEY = re.compile(r"\d{12}|test|mock|dummy")
_DUMMY_ACCOUNT = "000000000000"
_CONNECT_SECONDS = 5.0


class Target:
    """`endpoint_url` is None for AWS itself; `environment` aims a child process (Chalice) at the same
    place."""

    def __init__(self, endpoint_url: str | None, environment: dict[str, str], session: boto3.Session) -> None:
        self.endpoint_url = endpoint_url
        self.environment = environment
        self._session = session
        self._clients: dict[str, Any] = {}
        self._lock = Lock()

    @property
    def region(self) -> str:
        return str(self._session.region_name)

    def client(self, service: str) -> Any:
        """The boto3 client of `service`, one for all threads."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self.endpoint_url,
                    config=Config(connect_timeout=_CONNECT_SECONDS, retries={"mode": "standard"}),
                )
            return self._clients[service]

    def api_url(self, rest_api_id: str, api_stage: str) -> str:
        """The URL under which a deployed API answers, ending in a slash."""
        if self.endpoint_url is None:
            return f"https://{rest_api_id}.execute-api.{self.region}.amazonaws.com/{api_stage}/"
        return f"{self.endpoint_url}/_aws/execute-api/{rest_api_id}/{api_stage}/"


def target(stage: str, port: int | None) -> Target:
    """Where `stage` goes, checked. Raises MdlcError in a sentence when environment and stage do not fit."""
    return _emulator(port) if stage == LOCAL else _aws(stage)


def _emulator(port: int | None) -> Target:
    named = os.environ.get("AWS_ENDPOINT_URL")
    if port is None and named:
        if "amazonaws.com" in named:
            raise MdlcError(
                f"AWS_ENDPOINT_URL is {named}, but the stage local belongs to an emulator:"
                " unset it, or deploy --stage dev.",
                Exit.USAGE,
            )
        endpoint_url = named.rstrip("/")
    else:
        endpoint_url = chosen(port).endpoint_url
    # A real key never leaves for an emulator; one of 12 digits is the emulator's account.
    key = os.environ.get("AWS_ACCESS_KEY_ID", "")
    key = key if _DUMMY_KEY.fullmatch(key) else _DUMMY_ACCOUNT
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region(),
    }
    session = boto3.Session(
        aws_access_key_id=key,
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=region(),
    )
    aimed = Target(endpoint_url, environment, session)
    try:
        aimed.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError):
        raise MdlcError(
            f"Nothing answers at {endpoint_url}: start an emulator with `mdlc up`,"
            " or unset AWS_ENDPOINT_URL.",
            Exit.NOTHING_RUNNING,
        ) from None
    return aimed


def _aws(stage: str) -> Target:
    aimed = [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL") and os.environ[name]]
    if aimed:
        raise MdlcError(
            f"{aimed[0]} is set to {os.environ[aimed[0]]}, but the stage {stage} goes to AWS itself: unset it"
            ' (`eval "$(mdlc env --unset)"`), or deploy --stage local.',
            Exit.USAGE,
        )
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise MdlcError(
            f"The stage {stage} needs AWS credentials and there are none:"
            " run `aws configure` or set AWS_PROFILE.",
            Exit.LACKING,
        )
    if _DUMMY_KEY.fullmatch(credentials.access_key or ""):
        raise MdlcError(
            f"The stage {stage} needs real AWS credentials, but these are an emulator's: run"
            ' `eval "$(mdlc env --unset)"` and set AWS_PROFILE.',
            Exit.LACKING,
        )
    if session.region_name is None:
        raise MdlcError(f"The stage {stage} needs a region: set AWS_DEFAULT_REGION.", Exit.USAGE)
    try:
        session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise MdlcError(
            f"AWS does not accept these credentials ({error}): mend them, then try again.", Exit.LACKING
        ) from None
    return Target(None, dict(os.environ), session)
