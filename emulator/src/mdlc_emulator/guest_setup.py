"""Builds the directory that function processes see as /var/runtime: what AWS's Python image brings, locked.

`python -m mdlc_emulator.guest_setup [--uv UV]` installs the lock's `guest` group. Pure Python, so that one
directory serves every interpreter version; binaries are kept only where their file name says for which version.
Done again only when the lock or this module changes.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[2]
TARGET = PROJECT / "build" / "guest"
STAMP = ".complete"
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
LAUNCHING = "import os, runpy\nrunpy.run_path(os.path.join(os.environ['MDLC_GUEST'], 'bootstrap.py'))\n"


class GuestSetupError(RuntimeError):
    """The guest packages could not be installed."""


def guest_directory() -> Path:
    """Where the guest packages are; installed first if they are missing. GuestSetupError with a way out."""
    build()
    return TARGET


def build(uv: str | None = None) -> bool:
    """Install the guest packages unless they are there. Says whether anything was done."""
    wanted = _digest()
    stamp = TARGET / STAMP
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    program = uv or os.environ.get("UV") or shutil.which("uv") or _tools_uv()
    if program is None:
        raise GuestSetupError(
            "The packages that functions run with (boto3, awslambdaric) are not installed, and uv, which installs "
            "them, was not found: run `make setup`, or install uv and run `python -m mdlc_emulator.guest_setup`."
        )
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARGET.parent, prefix="guest-") as scratch:
        fresh = Path(scratch) / "guest"
        _install(program, Path(scratch), fresh)
        (fresh / STAMP).write_text(wanted)
        fresh.chmod(0o755)
        if TARGET.exists():
            TARGET.rename(Path(scratch) / "old")
        fresh.rename(TARGET)
    return True


def _digest() -> str:
    content = (PROJECT / "uv.lock").read_bytes() + Path(__file__).read_bytes()
    return hashlib.sha256(content).hexdigest()


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
    for other in VERSIONS:
        if other != f"{sys.version_info[0]}.{sys.version_info[1]}":
            _add_accelerator(uv, scratch, fresh, requirements, other)
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


def _add_accelerator(uv: str, scratch: Path, fresh: Path, requirements: Path, version: str) -> None:
    """simplejson's C part for another interpreter version; without a wheel it works in Python there."""
    lines = requirements.read_text().splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("simplejson==")), None)
    if start is None:
        return
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
    only = scratch / f"simplejson-{version}.txt"
    only.write_text("\n".join(lines[start:end]) + "\n")
    target = scratch / f"simplejson-{version}"
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--python-version", version, "--target", str(target)]
    try:
        _run([*command, "--requirements", str(only)])
    except GuestSetupError:
        return
    for library in (target / "simplejson").glob("_speedups*.so"):
        shutil.copy2(library, fresh / "simplejson" / library.name)


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
