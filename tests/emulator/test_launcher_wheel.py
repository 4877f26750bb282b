"""The emulator installed from a wheel, into a project that has nothing of ours but that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator.conftest import variable

EMULATOR = Path(__file__).parents[2] / "emulator"
UV = os.environ.get("UV") or shutil.which("uv")
TOOLS_UV = Path(__file__).parents[2] / ".tools" / "bin" / "uv"

STARTS = """
from mdlc_emulator.launcher import EmulatorError, start
try:
    instance = start(progress=print)
except EmulatorError as error:
    print(error)
    raise SystemExit(3)
from urllib.request import urlopen
print(urlopen(instance.endpoint_url + "/_mdlc/status").status)
instance.stop()
"""


def uv(*arguments: str) -> str:
    program = UV or (str(TOOLS_UV) if TOOLS_UV.exists() else None)
    if program is None:
        pytest.fail("uv is not found: `make setup` installs one")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("group", ["engine", "guest", "models", "algorithms"])
def test_the_lock_files_in_the_wheel_are_in_step_with_the_lock(group: str) -> None:
    exported = uv(
        "export",
        "--frozen",
        "--no-emit-project",
        "--no-header",
        "--no-annotate",
        "--quiet",
        f"--only-group={group}",
        f"--project={EMULATOR}",
    )
    kept = EMULATOR / "src" / "mdlc_emulator" / f"{group}.lock.txt"
    assert kept.read_text() == exported, f"export it again: uv export ... --only-group={group} > {kept}"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The interpreter of a project into which the wheel was installed."""
    uv("build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "dist"), str(EMULATOR))
    uv("venv", "--quiet", "--no-project", "--python", sys.executable, str(tmp_path / "project"))
    python = tmp_path / "project" / "bin" / "python"
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    uv("pip", "install", "--quiet", "--python", str(python), str(wheel))
    return python


def run(python: Path, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, XDG_CACHE_HOME=str(home / "cache"), XDG_STATE_HOME=str(home / "state"))
    return subprocess.run(
        [str(python), "-c", STARTS],
        env=environment | variables,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_a_start_from_a_wheel_makes_the_private_environment_once(installed: Path, tmp_path: Path) -> None:
    first = run(installed, tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.splitlines() == [
        "Installing the engine's environment, once, some 300 MB",
        "Starting the engine",
        "200",
    ]
    second = run(installed, tmp_path)
    assert second.stdout.splitlines() == ["Starting the engine", "200"]
    # The project itself got nothing but the light part.
    names = uv("pip", "list", "--quiet", "--format", "freeze", "--python", str(installed))
    assert [line.split("==")[0] for line in names.splitlines()] == ["mdlc-emulator"]


def test_without_a_network_it_is_said_in_a_sentence(installed: Path, tmp_path: Path) -> None:
    with variable("UV_CACHE_DIR", str(tmp_path / "empty")):
        done = run(installed, tmp_path, UV_OFFLINE="1", PIP_NO_INDEX="1")
    assert done.returncode == 3, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("The engine's environment cannot be installed (")
    assert last.endswith("check the network and the package index, then try again.")
