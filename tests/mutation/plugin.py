"""A pytest plugin that tests the tests: `pytest -p tests.mutation.plugin --mutations REPORT --aws URL ...`.

First every test runs once, and the emulator's ledger tells which operations it has called. Then each one
that the emulator calls executed is replaced by a canned reply (engine/mutation.py), and the quickest tests
that call it run until one fails: that test proves the operation. REPORT (JSON) says for each operation which
test that was, or which have passed although nothing was done.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from _pytest.runner import runtestprotocol

from tests import waiting

SERVICES = ("sagemaker", "sagemaker-runtime", "sagemaker-metrics", "batch")
BUDGET = 90.0
"""Seconds of trying tests against one replaced operation: quickest first, so that clean-ups come before."""


@dataclass(frozen=True)
class Witness:
    """A test that passes, and what it calls."""

    item: pytest.Item
    seconds: float
    operations: frozenset[str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mutations", metavar="REPORT", help="replace every operation and see that a test fails"
    )
    parser.addoption("--operations", default="", help="only these, separated by commas")


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    report = session.config.getoption("--mutations")
    if not report:
        return None
    emulator = Emulator(str(session.config.getoption("--aws")))
    only = {one for one in str(session.config.getoption("--operations")).split(",") if one}
    witnesses, failed = _baseline(session.items, emulator)
    operations = {}
    for operation in emulator.executed():
        if not only or operation in only:
            operations[operation] = _try(operation, witnesses, emulator)
    Path(report).write_text(json.dumps({"failed": failed, "operations": operations}, indent=1))
    return True


def _baseline(items: list[pytest.Item], emulator: Emulator) -> tuple[list[Witness], dict[str, str]]:
    """The tests that pass, quickest first; and those that fail although nothing is replaced."""
    witnesses, failed = [], {}
    for item in items:
        emulator.forget()
        start = time.perf_counter()
        fault = _fault(item, 600)
        if fault is None:
            witnesses.append(Witness(item, time.perf_counter() - start, emulator.called()))
        elif fault:
            failed[item.nodeid] = fault
    return sorted(witnesses, key=lambda witness: witness.seconds), failed


def _try(operation: str, witnesses: list[Witness], emulator: Emulator) -> dict[str, Any]:
    calling = [witness for witness in witnesses if operation in witness.operations]
    passed: list[str] = []
    emulator.replace([operation])
    start = time.monotonic()
    try:
        for witness in calling:
            if time.monotonic() - start > BUDGET:
                break
            waiting.longest = max(2.0, 2 * witness.seconds)
            fault = _fault(witness.item, int(10 + 4 * witness.seconds))
            if fault:
                return {"killed_by": witness.item.nodeid, "fault": fault, "passed": passed}
            passed.append(witness.item.nodeid)
    finally:
        emulator.replace([])
        waiting.longest = float("inf")
    return {"killed_by": None, "passed": passed}


def _fault(item: pytest.Item, seconds: int) -> str | None:
    """None when the test passes, "" when it is no witness (skipped, a known gap), else how it fails."""
    with _alarm(seconds):
        reports = runtestprotocol(item, log=False, nextitem=None)
    for report in reports:
        if hasattr(report, "wasxfail") or report.skipped:
            return ""
        if report.failed:
            return f"{report.when}: {report.longreprtext.strip().splitlines()[-1][:300]}"
    return None


@contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """A test that hangs fails."""

    def ring(*_: object) -> None:
        raise AssertionError(f"not over after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Emulator:
    """The routes of an emulator started with MDLC_MUTATION=1."""

    def __init__(self, url: str) -> None:
        self._url = url

    def forget(self) -> None:
        self._call("DELETE", "fidelity")

    def called(self) -> frozenset[str]:
        """Operations of `SERVICES` since `forget`, the emulator's own calls included."""
        entries = self._call("GET", "fidelity")["entries"]
        return frozenset(
            f"{entry['service']}:{entry['operation']}" for entry in entries if entry["service"] in SERVICES
        )

    def executed(self) -> list[str]:
        return sorted(
            f"{service}:{operation}"
            for service in SERVICES
            for operation, judged in self._call("GET", f"fidelity/classes?service={service}")["services"]
            .get(service, {})
            .items()
            if judged["fidelity"] == "executed"
        )

    def replace(self, operations: list[str]) -> None:
        self._call("PUT", "mutation", {"operations": operations})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = Request(f"{self._url}/_mdlc/{path}", data=data, method=method)
        with urlopen(request, timeout=60) as response:
            content = response.read()
        return json.loads(content) if content else None
