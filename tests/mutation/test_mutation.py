"""The conformance suite is itself tested: an operation that calls itself executed must be missed by some test
when a canned reply stands in its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.launcher import start

ROOT = Path(__file__).parents[2]
TESTS = ("tests/conformance/sagemaker", "tests/conformance/batch", "tests/conformance/stepfunctions")
ABOUT = "sagemaker or batch"
TIMEOUT = 3000


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    path = tmp_path_factory.mktemp("mutation") / "report.json"
    emulator = start(settings={"MDLC_MUTATION": "1"})
    try:
        run = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pytest",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    "-p",
                    "tests.mutation.plugin",
                ),
                *("--mutations", str(path), "--aws", emulator.endpoint_url),
                *("-m", "not long", "-k", ABOUT, *TESTS),
            ],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert path.exists(), f"{run.stdout[-6000:]}\n{run.stderr[-6000:]}"
        yield json.loads(path.read_text())
    finally:
        emulator.stop()


@pytest.mark.long
def test_the_suite_passes_while_nothing_is_replaced(report: dict[str, Any]) -> None:
    assert report["failed"] == {}


@pytest.mark.long
def test_every_executed_operation_is_called_by_a_test(report: dict[str, Any]) -> None:
    found = report["operations"].items()
    assert found
    uncalled = [name for name, tried in found if tried["killed_by"] is None and not tried["passed"]]
    assert uncalled == []


@pytest.mark.long
def test_every_executed_operation_is_missed_by_a_test_when_a_canned_reply_replaces_it(
    report: dict[str, Any],
) -> None:
    survivors = {
        name: tried["passed"]
        for name, tried in report["operations"].items()
        if tried["killed_by"] is None and tried["passed"]
    }
    assert survivors == {}
