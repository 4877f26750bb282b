"""A job of script mode."""

from pathlib import Path

import pytest

from tests.emulator.images.script_mode import SKLEARN, Job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(SKLEARN, tmp_path / "ml")


# ---- training ----------------------------------------------------------------------------------------------
