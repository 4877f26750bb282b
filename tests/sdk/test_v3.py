"""SageMaker's SDK v3, unmodified, against the emulator: the scenarios in v3/ run in the environment of
tests/sdk/pyproject.toml, all in one go (the SDK polls every 5 to 30 s, so they run side by side), and each is
a test here.
"""

from __future__ import annotations

import ast
import os
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests import flights

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
TOGETHER = 4
ROWS = 12000
"""Real flights that the longest scenario learns from and scores."""
TIMEOUT = 900


def _scenarios() -> list[str]:
    return [
        f"{path.stem}::{node.name}"
        for path in sorted((HERE / "v3").glob("test_*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.fixture(scope="module")
def outcomes(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Scenario -> "" when it passed, else what it printed."""
    if not PYTHON.exists():
        pytest.fail(f"The SDK's environment {PYTHON.parent.parent} is missing. Run `make setup-sdk`.")
    report = tmp_path_factory.mktemp("sdk") / "report.xml"
    rows = tmp_path_factory.mktemp("flights")
    learned, holdout = flights.split(ROWS)
    at = len(learned) * 3 // 4
    for name, part in (("train", learned[:at]), ("validation", learned[at:]), ("holdout", holdout)):
        (rows / f"{name}.csv").write_bytes(flights.as_csv(part))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_"))
    }
    run = subprocess.run(
        [
            *(str(PYTHON), "-m", "pytest", "-c", "v3/pytest.ini", "--rootdir", "v3", "v3", "-q"),
            *("-n", str(TOGETHER), f"--junitxml={report}", "-p", "no:cacheprovider"),
        ],
        cwd=HERE,
        env=environment | {"AWS_ENDPOINT_URL": str(aws.endpoint_url), "MDLC_FLIGHTS": str(rows)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert report.exists(), f"pytest ended with {run.returncode}:\n{run.stdout[-4000:]}\n{run.stderr[-4000:]}"
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        module = case.get("classname", "").rpartition(".")[2]
        faults = [each for each in case if each.tag in ("failure", "error", "skipped")]
        found[f"{module}::{case.get('name')}"] = "\n".join(
            f"{each.get('message')}\n{each.text}" for each in faults
        )
    return found


@pytest.mark.long
@pytest.mark.parametrize("scenario", _scenarios())
def test_scenario(scenario: str, outcomes: dict[str, str]) -> None:
    assert scenario in outcomes, "the scenario was not run"
    assert not outcomes[scenario], outcomes[scenario]
