"""Which functions cannot run on this machine, and what would help."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from mdlc_emulator.engine.functions.interpreters import VERSIONS, interpreter, variable

CUSTOM = ("provided.al2023", "provided.al2")
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def machine() -> str:
    """This machine's architecture in Lambda's words."""
    return _MACHINES.get(platform.machine().lower(), platform.machine())


def refusal(runtime: str | None, package_type: str, architectures: Sequence[str]) -> str | None:
    """Why a function cannot run here, in a sentence that names a way out; None if it can."""
    if package_type == "Image" or not runtime:
        return (
            "This emulator runs functions as processes and cannot run container images: deploy the code as a "
            f"zip archive with a Python runtime or {CUSTOM[0]}, or use Lambda itself."
        )
    if runtime in CUSTOM:
        wanted = architectures[0] if architectures else "x86_64"
        if wanted != machine():
            return (
                f"The function is built for {wanted} and this machine is {machine()}: build its bootstrap "
                f"for {machine()} and create it with Architectures=['{machine()}']."
            )
        return None
    version = runtime.removeprefix("python")
    if runtime.startswith("python") and version in VERSIONS:
        if interpreter(version) is None:
            return (
                f"Runtime {runtime} needs a CPython {version} and this machine has none: install one (`uv "
                f"python install {version}` or `pyenv install {version}`), or name one in "
                f"{variable(version)}, and restart the emulator."
            )
        return None
    known = ", ".join([*(f"python{v}" for v in VERSIONS), *CUSTOM])
    return (
        f"Runtime {runtime} cannot run here; this emulator runs {known}. Bring other languages as a "
        f"bootstrap program of {CUSTOM[0]}."
    )
