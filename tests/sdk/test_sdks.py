"""SageMaker's SDKs, unmodified, against the emulator: the scenarios of v3/ and v2/ run in environments of
their own, those of one SDK in one go (the SDKs poll every 5 to 30 s, so they run side by side); each is a
test here.
"""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests import flights

HERE = Path(__file__).parent
PYTHONS = {"v3": HERE / ".venv" / "bin" / "python", "v2": HERE / "v2" / ".venv" / "bin" / "python"}
TOGETHER = 4
ROWS = 12000
"""Real flights that the longest scenario learns from and scores."""
TIMEOUT = 900

type Outcomes = Callable[[str], dict[str, str]]
"""SDK -> scenario -> "" when it passed, else what it printed."""


def _scenarios() -> list[tuple[str, str]]:
    return [
        (sdk, f"{path.stem}::{node.name}")
        for sdk in PYTHONS
        for path in sorted((HERE / sdk).glob("test_*.py"))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with flights to learn from, to validate by and to score."""
    directory = tmp_path_factory.mktemp("flights")
    learned, holdout = flights.split(ROWS)
    at = len(learned) * 3 // 4
    for name, part in (("train", learned[:at]), ("validation", learned[at:]), ("holdout", holdout)):
        (directory / f"{name}.csv").write_bytes(flights.as_csv(part))
    return directory


@pytest.fixture(scope="module")
def outcomes(aws: Aws, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    @functools.cache
    def run(sdk: str) -> dict[str, str]:
        report = tmp_path_factory.mktemp(sdk) / "report.xml"
        ended = _run(sdk, report, {"AWS_ENDPOINT_URL": str(aws.endpoint_url), "MDLC_FLIGHTS": str(rows)})
        printed = f"{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"
        assert report.exists(), f"pytest ended with {ended.returncode}:\n{printed}"
        return _read(report)

    return run


def _run(sdk: str, report: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    python = PYTHONS[sdk]
    if not python.exists():
        pytest.fail(f"The environment {python.parent.parent} is missing. Run `make setup-sdk`.")
    dropped = ("AWS_", "PYTEST_", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return subprocess.run(
        [
            *(str(python), "-m", "pytest", "-c", f"{sdk}/pytest.ini", "--rootdir", sdk, sdk, "-q"),
            *("-n", str(TOGETHER), f"--junitxml={report}", "-p", "no:cacheprovider"),
        ],
        cwd=HERE,
        env=environment | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def _read(report: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        module = case.get("classname", "").rpartition(".")[2]
        faults = [each for each in case if each.tag in ("failure", "error", "skipped")]
        found[f"{module}::{case.get('name')}"] = "\n".join(
            f"{each.get('message')}\n{each.text}" for each in faults
        )
    return found


@pytest.mark.long
@pytest.mark.parametrize(("sdk", "scenario"), _scenarios())
def test_scenario(sdk: str, scenario: str, outcomes: Outcomes) -> None:
    found = outcomes(sdk)
    assert scenario in found, "the scenario was not run"
    assert not found[scenario], found[scenario]
