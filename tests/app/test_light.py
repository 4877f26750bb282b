"""What every function's cold start pays for: app.main, and nothing heavy with it."""

import json
import subprocess
import sys

import pytest

from app.compiled import CompiledLifecycle

HEAVY = {"pandas", "pandera", "dask", "deltalake", "sagemaker", "numpy", "onnxruntime", "boto3", "pyarrow"}


def imported(statement: str) -> set[str]:
    """The top-level modules there are after `statement` in a fresh interpreter."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps([m.partition('.')[0] for m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statement",
    ["import app.main", "from app.compiled import load; load()", "import app.functions.registration"],
)
def test_nothing_heavy_is_imported(statement: str, compiled: dict[str, CompiledLifecycle]) -> None:
    assert not HEAVY & imported(statement)


def test_the_declarations_do_need_pandera() -> None:
    """So that the test above can fail."""
    assert {"pandas", "pandera"} <= imported("import app.lifecycles.flights")
