"""ministack from the package index: an AWS emulator on the host that runs Python functions without Docker.

Its settings: everything by default, but a port and directories of its own, so that runs share nothing, and
loopback only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.contestants import BenchmarkError, Command, clean_environment
from benchmarks.machine import ROOT

NAME = "ministack"
PINS = Path(__file__).with_name("ministack.txt")
HOME = ROOT / "build" / "peers" / NAME


def version() -> str:
    """The pinned version."""
    return next(
        line.split("==")[1].split()[0] for line in PINS.read_text().splitlines() if line.startswith(NAME)
    )


def _uv() -> str:
    found = (
        os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".tools" / "bin"))
    )
    if found is None:
        raise BenchmarkError(
            "uv is missing, so no peer can be installed: run `make setup`, or pass --no-peer."
        )
    return found


def install() -> Path:
    """The peer's interpreter, in an environment made on the first call and when the pins change."""
    python = HOME / "bin" / "python"
    stamp, digest = HOME / "pins.sha256", hashlib.sha256(PINS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return python
    environment = clean_environment({"UV_COMPILE_BYTECODE": "1"})
    base = getattr(sys, "_base_executable", sys.executable)
    for command in (
        ["venv", "--quiet", "--clear", "--python", base, str(HOME)],
        ["pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(PINS)],
    ):
        done = subprocess.run([_uv(), *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{NAME} could not be installed: {done.stderr.strip()}")
    stamp.write_text(digest)
    return python


def contestant() -> Command:
    """Installs the peer if need be. BenchmarkError when that fails."""
    bin_ = install().parent

    def environment(port: int, home: Path) -> Mapping[str, str]:
        (home / "tmp").mkdir()
        return {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "TMPDIR": str(home / "tmp"),
            "STATE_DIR": str(home / "state"),
            "S3_DATA_DIR": str(home / "s3"),
            "PATH": f"{bin_}{os.pathsep}{os.environ.get('PATH', '')}",
        }

    return Command(NAME, lambda port: [str(bin_ / NAME)], environment)
