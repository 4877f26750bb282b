"""`mdlc deploy` of this very project, the first time and after a change of code."""

import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.clients import Cloud, WrongAnswerError
from benchmarks.contestants import Running
from benchmarks.duel import FAILURES, Board, reason
from benchmarks.machine import ROOT
from benchmarks.ours import MDLC, Ours
from benchmarks.scenarios.plan import Plan

FIGURES = ("deploy_first", "deploy_code")
# Nothing of these is deployed; what has been built for a deploy (build/) comes along, as after `make setup`.
LEFT_OUT = (
    ".git",
    ".venv",
    ".tools",
    "emulator",
    "tests",
    "docs",
    "peers",
    "deployed",
    "deployments",
    "__pycache__",
)
CHANGED = Path("app", "health.py")


def deploy(plan: Plan, board: Board) -> None:
    """Every round: a fresh emulator and copy of the project, one first deploy, then changes of code."""
    for _ in range(plan.rounds):
        try:
            running = Ours().start()
            try:
                with project() as directory:
                    _package(directory)
                    _deploys(running, directory, plan, board)
            finally:
                running.end()
        except FAILURES as error:
            board.fail(Ours.name, FIGURES, reason(error))


@contextmanager
def project() -> Iterator[Path]:
    """A copy of this checkout that was never deployed, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-deploy-") as directory:
        target = Path(directory) / ROOT.name
        shutil.copytree(ROOT, target, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
        yield target


def _deploys(running: Running, directory: Path, plan: Plan, board: Board) -> None:
    cloud = Cloud(running)
    seconds, before = _deployed(running, directory, cloud)
    board.add(Ours.name, {"deploy_first": [seconds]})
    for change in range(plan.code_changes):
        with (directory / CHANGED).open("a") as source:
            source.write(f"\n_CHANGE = {change}\n")
        seconds, after = _deployed(running, directory, cloud)
        same = [name for name, digest in after.items() if before.get(name) == digest]
        if same or after.keys() != before.keys():
            raise WrongAnswerError(
                f"after a change of code {', '.join(same) or 'other functions'} stood there"
            )
        board.add(Ours.name, {"deploy_code": [seconds]})
        before = after


def _package(directory: Path) -> None:
    """What `make setup` does too, and no deploy shall have to."""
    done = subprocess.run([str(MDLC), "package"], cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongAnswerError(
            f"`mdlc package` ended with {done.returncode}: {(done.stderr or done.stdout)[-300:]}"
        )


def _deployed(running: Running, directory: Path, cloud: Cloud) -> tuple[float, dict[str, str]]:
    """Seconds of one `mdlc deploy`, and function -> digest of its code. /health must answer."""
    since = time.perf_counter()
    done = subprocess.run(
        [str(MDLC), "deploy", "--stage", "local"],
        cwd=directory,
        env=dict(running.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - since
    if done.returncode:
        raise WrongAnswerError(
            f"`mdlc deploy` ended with {done.returncode}: {(done.stderr or done.stdout)[-300:]}"
        )
    _healthy(done.stdout)
    pages = cloud.client("lambda").get_paginator("list_functions").paginate()
    return seconds, {f["FunctionName"]: f["CodeSha256"] for page in pages for f in page["Functions"]}


def _healthy(printed: str) -> None:
    found = re.search(r"http://[^\s\"']+", printed)
    if found is None:
        raise WrongAnswerError(f"`mdlc deploy` printed no URL: {printed[-300:]}")
    url = urlsplit(found[0].rstrip("/."))
    connection = HTTPConnection(url.hostname or "", url.port, timeout=30)
    try:
        connection.request("GET", f"{url.path.removesuffix('/health')}/health")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or not isinstance(json.loads(body), dict):
            raise WrongAnswerError(f"GET /health: {answer.status} {body!r:.200}")
    finally:
        connection.close()
