"""Which Python interpreters this machine has for Lambda's runtimes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""The version of the emulator's own interpreter, which starts programs in other languages too."""
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# An interpreter without one of these cannot run what runs on Lambda.
QUESTION = (
    "import sys, json, ctypes, ssl, zlib, socket, decimal\n"
    "print(json.dumps([list(sys.version_info[:2]), sys.base_prefix, sys.implementation.name]))"
)
ASKING_SECONDS = 20

_found: dict[str, str | None] = {}
_lock = threading.Lock()


def interpreter(version: str) -> str | None:
    """The path of a complete CPython of `version` ("3.12"), or None. Looked for once.

    In this order: the variable MDLC_PYTHON_3_12, the emulator's own, PATH, pyenv, uv.
    """
    with _lock:
        if version not in _found:
            _found[version] = next((path for path in _candidates(version) if _fits(path, version)), None)
        return _found[version]


def variable(version: str) -> str:
    """The name of the variable that names an interpreter for `version`."""
    return f"MDLC_PYTHON_{version.replace('.', '_')}"


def _candidates(version: str) -> Iterator[str]:
    named = os.environ.get(variable(version))
    if named:
        yield named
    if version == OWN:
        yield str(Path(sys.base_prefix) / "bin" / f"python{version}")
    name = f"python{version}"
    for directory in os.get_exec_path():
        if Path(directory).name != "shims":  # pyenv's: they answer for whatever version is switched on
            found = shutil.which(name, path=directory)
            if found:
                yield found
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    data = Path(os.environ.get("XDG_DATA_HOME", home / ".local" / "share"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", data / "uv" / "python"))
    for root, pattern in ((pyenv, f"{version}.*"), (uv, f"cpython-{version}.*")):
        if root.is_dir():
            for installation in sorted(root.glob(pattern), key=_patch_level, reverse=True):
                yield str(installation / "bin" / name)


def _patch_level(installation: Path) -> tuple[int, ...]:
    digits = installation.name.removeprefix("cpython-").split("-")[0].split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in digits)


def _fits(path: str, version: str) -> bool:
    if not os.access(path, os.X_OK):
        return False
    try:
        said = subprocess.run(
            [path, "-I", "-S", "-c", QUESTION],
            capture_output=True,
            text=True,
            timeout=ASKING_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout
        numbers, _, implementation = json.loads(said)
    except (OSError, subprocess.SubprocessError, ValueError):
        return False
    return implementation == "cpython" and "{}.{}".format(*numbers) == version
