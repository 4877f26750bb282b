"""Instances of these tests are kept apart from the user's own by a state directory of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def state_home(path: Path) -> Iterator[Path]:
    """`path` as XDG_STATE_HOME of this process and its children; yields the launcher's directory in it."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(path)
    try:
        yield path / "mdlc-emulator"
    finally:
        if before is None:
            del os.environ["XDG_STATE_HOME"]
        else:
            os.environ["XDG_STATE_HOME"] = before


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
