"""Builds the directory that function processes see as /var/runtime: what AWS's Python image brings, locked.

`python -m mdlc_emulator.guest_setup [--uv UV]` installs the lock's `guest` group, done again only when the
lock changes. The packages are pure Python but for an accelerator that other versions than the emulator's own
do without, so that one directory serves every interpreter version.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import suppress
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TARGET = PROJECT / "build" / "guest"
STAMP = ".complete"
LAYOUT = 2
"""Raise when the content of the directory is to change though the lock does not."""
LAUNCHING = "import os, runpy\nrunpy.run_path(os.path.join(os.environ['MDLC_GUEST'], 'bootstrap.py'))\n"


class GuestSetupError(RuntimeError):
    """The guest packages could not be installed."""


@cache
def guest_directory() -> Path:
    """Where the guest packages are; installed first if they are missing. GuestSetupError with a way out."""
    build()
    return TARGET


def build(uv: str | None = None) -> bool:
    """Install the guest packages unless they are there. Says whether anything was done."""
    if _is_complete():
        return False
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    # Two emulators that start on a fresh checkout: one installs, the other waits.
    with (TARGET.parent / ".guest.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if _is_complete():
            return False
        _build(uv)
    return True


def _is_complete() -> bool:
    lock = (PROJECT / "uv.lock").read_bytes()
    stamp = TARGET / STAMP
    known = stamp.read_text().split() if stamp.is_file() else []
    # Parsing the lock takes a hundred times longer than hashing it.
    written = hashlib.sha256(lock).hexdigest()
    if known[1:] == [written]:
        return True
    if known[:1] == [_digest(lock.decode())]:
        with suppress(OSError):
            stamp.write_text(f"{known[0]} {written}")
        return True
    return False


def _build(uv: str | None) -> None:
    program = uv or os.environ.get("UV") or shutil.which("uv") or _tools_uv()
    if program is None:
        raise GuestSetupError(
            "The packages that functions run with (boto3, awslambdaric) are not installed, and uv, which "
            "installs them, was not found: run `make setup`, or install uv and run "
            "`python -m mdlc_emulator.guest_setup`."
        )
    lock = (PROJECT / "uv.lock").read_bytes()
    with tempfile.TemporaryDirectory(dir=TARGET.parent, prefix="guest-") as scratch:
        fresh = Path(scratch) / "guest"
        _install(program, Path(scratch), fresh)
        (fresh / STAMP).write_text(f"{_digest(lock.decode())} {hashlib.sha256(lock).hexdigest()}")
        fresh.chmod(0o755)
        if TARGET.exists():
            TARGET.rename(Path(scratch) / "old")
        fresh.rename(TARGET)


def _digest(text: str) -> str:
    """Names what the lock wants in the guest directory, and how this module lays it out."""
    lock = tomllib.loads(text)
    packages = {package["name"]: package for package in lock["package"]}
    waiting = [entry["name"] for entry in packages["mdlc-emulator"]["dev-dependencies"]["guest"]]
    wanted: dict[str, str] = {}
    while waiting:
        package = packages[waiting.pop()]
        if package["name"] not in wanted:
            wanted[package["name"]] = package["version"]
            waiting += [entry["name"] for entry in package.get("dependencies", [])]
    return hashlib.sha256(
        json.dumps([LAYOUT, sys.version_info[:2], wanted], sort_keys=True).encode()
    ).hexdigest()


def _tools_uv() -> str | None:
    """uv where the Makefile puts it when the machine has none."""
    for place in (PROJECT.parent / ".tools" / "uv", PROJECT.parent / ".tools" / "bin" / "uv"):
        if place.is_file():
            return str(place)
    return None


def _install(uv: str, scratch: Path, fresh: Path) -> None:
    requirements = scratch / "requirements.txt"
    export = [uv, "export", "--only-group", "guest", "--frozen", "--no-header", "--quiet"]
    _run([*export, "--project", str(PROJECT), "--output-file", str(requirements)])
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--python", sys.executable]
    _run([*install, "--target", str(fresh), "--requirements", str(requirements)])
    for useless in ("bin", "simplejson/tests", ".lock"):
        path = fresh / useless
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for native in fresh.glob("runtime_client*"):
        native.unlink()  # breaks after a fork; ours stands in
    (fresh / "bootstrap.py").write_text(LAUNCHING)
    shutil.rmtree(fresh / "__pycache__", ignore_errors=True)
    _run([sys.executable, "-m", "compileall", "-q", "-j", "0", str(fresh)])


def compile_for(python: str, version: str) -> None:
    """Compile the guest packages once for another interpreter: function processes cannot write there."""
    marker = TARGET / "__pycache__" / f"six.cpython-{version.replace('.', '')}.pyc"
    if not marker.exists() and os.access(TARGET, os.W_OK):
        _run([python, "-I", "-S", "-m", "compileall", "-q", "-j", "0", str(TARGET)])


def _run(command: list[str]) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise GuestSetupError(f"Installing the packages that functions run with failed: {said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", help="the uv to install with")
    try:
        done = build(parser.parse_args().uv)
    except GuestSetupError as error:
        sys.exit(str(error))
    print(f"{TARGET}: {'installed' if done else 'up to date'}")


if __name__ == "__main__":
    main()
