"""The committed index of services is that of the locked botocore."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from mdlc_emulator.launcher import interpreter

ROOT = Path(__file__).parents[3]
FILE = ROOT / "emulator/src/mdlc_emulator/engine/gateway/catalog.json"

PRINT = "from mdlc_emulator.engine.gateway.catalog import *; print(text_of(entries_of_botocore()), end='')"


@pytest.mark.long
def test_the_committed_index_is_the_one_that_botocore_gives(tmp_path: Path):
    environment = {**os.environ, "TMPDIR": str(tmp_path), "FILESYSTEM_ROOT": str(tmp_path / "fs")}
    python = interpreter.engine_python(lambda _: None)
    made = subprocess.run([python, "-c", PRINT], env=environment, capture_output=True, text=True, check=True)
    assert made.stdout == FILE.read_text(), "run python -m mdlc_emulator.engine.gateway.catalog"
