"""Instances of these tests are kept apart from the user's own by a state directory of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """An environment variable of this process and its children, while the context lasts."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def state_home(path: Path) -> Iterator[Path]:
    """`path` as XDG_STATE_HOME; yields the launcher's directory in it."""
    with variable("XDG_STATE_HOME", str(path)):
        yield path / "mdlc-emulator"


@pytest.fixture
def own_state(tmp_path: Path) -> Iterator[Path]:
    """A fresh state directory for the launcher."""
    with state_home(tmp_path / "state") as directory:
        yield directory


@pytest.fixture(scope="module")
def module_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same, one for all tests of a module."""
    with state_home(tmp_path_factory.mktemp("state")) as directory:
        yield directory
