"""pytest fixtures for any project: `emulator` (one per session, on a port of its own) and `aws` (its clients)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from mdlc_emulator.launcher import Instance, start

if TYPE_CHECKING:
    from boto3 import Session


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--aws",
        metavar="URL",
        default=os.environ.get("MDLC_TEST_AWS"),
        help="run against this endpoint instead of an emulator of our own; 'real' means AWS itself",
    )


@dataclass(frozen=True)
class Aws:
    """Clients of one account and region of the emulator (or of whatever `--aws` names)."""

    endpoint_url: str | None
    region: str = "us-east-1"
    account: str = "000000000000"

    def session(self) -> Session:
        import boto3

        if self.endpoint_url is None:
            return boto3.Session(region_name=self.region)
        return boto3.Session(aws_access_key_id=self.account, aws_secret_access_key="test", region_name=self.region)

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client; `options` as boto3's own."""
        return self.session().client(service, endpoint_url=self.endpoint_url, **options)  # type: ignore[call-overload]

    def at(self, *, region: str | None = None, account: str | None = None) -> Aws:
        """The same endpoint seen from another region or account."""
        return Aws(self.endpoint_url, region or self.region, account or self.account)


@pytest.fixture(scope="session")
def emulator(pytestconfig: pytest.Config) -> Iterator[Instance]:
    """An emulator of this test session."""
    instance = start()
    yield instance
    instance.stop()


@pytest.fixture(scope="session")
def aws(request: pytest.FixtureRequest) -> Aws:
    """Clients of the emulator, or of the endpoint that `--aws` names."""
    named = request.config.getoption("--aws")
    if named == "real":
        return Aws(None)
    return Aws(named or request.getfixturevalue("emulator").endpoint_url)
