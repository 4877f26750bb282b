"""Calls of uv, which locks and installs what goes into Lambda."""

import os
import shutil
import subprocess
from pathlib import Path

from cli.exits import Exit, MdlcError


def find_uv(root: Path) -> str:
    """uv's path: $UV, the one on the path, or the one `make setup` installed. Raises MdlcError."""
    named = os.environ.get("UV")
    found = (shutil.which(named) if named else None) or shutil.which("uv")
    for checkout in (root, Path(__file__).parents[1]):
        own = checkout / ".tools" / "bin" / "uv"
        found = found or (str(own) if own.exists() else None)
    if found is None:
        raise MdlcError(
            "uv was not found: run `make setup`, or install it from https://docs.astral.sh/uv.", Exit.LACKING
        )
    return found


def run_uv(root: Path, *arguments: str) -> str:
    """Run uv in the project; its standard output. Raises MdlcError with uv's last words."""
    done = subprocess.run(
        [find_uv(root), *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        # Bytecode for Lambda is made by us: it must not depend on times, which unzipping changes.
        env={**os.environ, "UV_COMPILE_BYTECODE": "0"},
    )
    if done.returncode != 0:
        words = " ".join(done.stderr.split())[-400:]
        raise MdlcError(f"`uv {' '.join(arguments[:2])}` failed: {words}")
    return done.stdout
