"""Builds the directory that function processes see as /var/runtime: what AWS's Python image brings, locked.

`python -m mdlc_emulator.guest_setup [--uv UV]` installs guest.lock.txt (the `guest` group of the project's
lock), done again only when that changes. The packages are pure Python but for an accelerator that other
versions than the emulator's own do without, so that one directory serves every interpreter version.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

LOCK = Path(__file__).with_name("guest.lock.txt")
PROJECT = Path(__file__).parents[2]
# In a checkout beside the project's other results; installed from a wheel, in the engine's own environment.
TARGET = PROJECT / "build" / "guest" if (PROJECT / "uv.lock").exists() else Path(sys.prefix) / "guest"
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
    stamp = TARGET / STAMP
    return stamp.is_file() and stamp.read_text() == _wanted()


def _wanted() -> str:
    """Names what the lock wants in the directory, and how this module lays it out."""
    version = "{}.{}".format(*sys.version_info)
    return hashlib.sha256(f"{LAYOUT} {version}\n{LOCK.read_text()}".encode()).hexdigest()


def _build(uv: str | None) -> None:
    installer = _installer(uv)
    with tempfile.TemporaryDirectory(dir=TARGET.parent, prefix="guest-") as scratch:
        fresh = Path(scratch) / "guest"
        _install(installer, fresh)
        (fresh / STAMP).write_text(_wanted())
        fresh.chmod(0o755)
        if TARGET.exists():
            TARGET.rename(Path(scratch) / "old")
        fresh.rename(TARGET)


def _installer(uv: str | None) -> list[str]:
    """The beginning of an install command: uv's, else pip's."""
    program = uv or os.environ.get("UV") or shutil.which("uv") or _tools_uv()
    if program is not None:
        # awslambdaric has binaries for Linux only, and its Python part is all we want.
        linux = ["--python-platform", "linux"] if sys.platform == "darwin" else []
        return [program, "pip", "install", "--python", sys.executable, *linux]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    raise GuestSetupError(
        "The packages that functions run with (boto3, awslambdaric) are not installed, and neither uv nor "
        "pip, which install them, was found: run `make setup`, or install uv and run "
        "`python -m mdlc_emulator.guest_setup`."
    )


def _tools_uv() -> str | None:
    """uv where the Makefile puts it when the machine has none."""
    for place in (PROJECT.parent / ".tools" / "uv", PROJECT.parent / ".tools" / "bin" / "uv"):
        if place.is_file():
            return str(place)
    return None


def _install(installer: list[str], fresh: Path) -> None:
    options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(fresh), "--requirement", str(LOCK)]
    _run([*installer, *options])
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
