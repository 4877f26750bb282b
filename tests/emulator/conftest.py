"""Instances of these tests are kept apart from the user's own by a state directory of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def own_state(tmp_path: Path) -> Iterator[Path]:
    """A fresh state directory for the launcher, in this process and its children."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(tmp_path / "state")
    yield tmp_path / "state" / "mdlc-emulator"
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before
