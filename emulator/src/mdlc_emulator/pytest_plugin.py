"""pytest fixtures for any project: `emulator` (one per session, on a port of its own) and `aws` (its
clients).

Under pytest-xdist every worker has an emulator of its own. What the engine logged during a test is attached
to the report of that test when it fails; when the engine dies, the tests that need it say so instead of
timing out.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from mdlc_emulator.launcher import EmulatorError, Instance, StartError, log_tail, start
from mdlc_emulator.launcher.interpreter import INSTALLING

if TYPE_CHECKING:
    from boto3 import Session

LINES = 60
"""Lines of the engine's log that a failing test shows at most."""

_STARTED = pytest.StashKey[Instance]()
_LOGGED_BEFORE = pytest.StashKey[int]()
_sessions = threading.Lock()


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
        """A boto3 session of this account and region; without an endpoint, with the machine's own
        credentials."""
        with _sessions:
            return _session(self.endpoint_url is None, self.region, self.account)

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client; `options` as boto3's own. Without options it is one that others share."""
        if not options:
            with _sessions:
                return _client(self, service)
        session = self.session()
        with _sessions:  # making clients of one session is not safe in threads
            return session.client(service, endpoint_url=self.endpoint_url, **options)  # type: ignore[call-overload]

    def at(self, *, region: str | None = None, account: str | None = None) -> Aws:
        """The same endpoint seen from another region or account."""
        return Aws(self.endpoint_url, region or self.region, account or self.account)


@functools.cache
def _session(real: bool, region: str, account: str) -> Session:
    import boto3

    if real:
        return boto3.Session(region_name=region)
    return boto3.Session(aws_access_key_id=account, aws_secret_access_key="test", region_name=region)  # noqa: S106


@functools.cache
def _client(aws: Aws, service: str) -> Any:
    session = _session(aws.endpoint_url is None, aws.region, aws.account)
    return session.client(service, endpoint_url=aws.endpoint_url)  # type: ignore[call-overload]


def announcer(config: pytest.Config) -> Callable[[str], None]:
    """Says past pytest's capture what takes minutes: the first run with a wheel must not look hung."""

    def say(words: str) -> None:
        capture = config.pluginmanager.getplugin("capturemanager")
        if words != INSTALLING or capture is None or hasattr(config, "workerinput"):
            return  # a worker's own output is its line to the controller
        with capture.global_and_fixture_disabled():
            print(f"\n{words} ...", flush=True)

    return say


@pytest.fixture(scope="session")
def emulator_settings() -> dict[str, str]:
    """Environment variables for the engine; a project's conftest.py may override this fixture."""
    return {}


@pytest.fixture(scope="session")
def emulator(pytestconfig: pytest.Config, emulator_settings: dict[str, str]) -> Iterator[Instance]:
    """An emulator of this test session; it ends with it, however it ends."""
    try:
        instance = start(settings=emulator_settings, progress=announcer(pytestconfig))
    except EmulatorError as error:
        tail = f"\n{error.log_tail}" if isinstance(error, StartError) else ""
        pytest.fail(f"{error}{tail}", pytrace=False)
    pytestconfig.stash[_STARTED] = instance
    yield instance
    instance.stop()


@pytest.fixture(scope="session")
def aws(request: pytest.FixtureRequest) -> Aws:
    """Clients of the emulator, or of the endpoint that `--aws` names."""
    named = request.config.getoption("--aws")
    if named == "real":
        return Aws(None)
    return Aws(named or request.getfixturevalue("emulator").endpoint_url)


def _concerned(item: pytest.Item) -> Instance | None:
    """The emulator, if it was started and `item` uses it."""
    if {"emulator", "aws"}.isdisjoint(getattr(item, "fixturenames", ())):
        return None
    return item.config.stash.get(_STARTED, None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    instance = _concerned(item)
    if instance is None:
        return
    if not instance.alive:
        pytest.fail("The emulator has died during an earlier test: its last lines are below.", pytrace=False)
    item.stash[_LOGGED_BEFORE] = instance.log.stat().st_size


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    instance = _concerned(item)
    if report.failed and instance is not None:
        died = not instance.alive
        text = _logged(instance, 0 if died else item.stash.get(_LOGGED_BEFORE, 0))
        if text or died:
            title = "emulator's log, which died" if died else "emulator's log during this test"
            report.sections.append((title, f"{text}\n({instance.log})"))
    return report


def _logged(instance: Instance, position: int) -> str:
    """What the engine logged from byte `position` on, its last lines."""
    try:
        with instance.log.open("rb") as log:
            log.seek(position)
            added = len(log.read().splitlines())
    except OSError:
        return ""
    return log_tail(instance.log, min(added, LINES)) if added else ""
