"""What a function's processes are given: environment variables, paths and the program to run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mdlc_emulator import guest
from mdlc_emulator.engine.functions.environment import EntrypointError

GUEST_SOURCE = str(Path(guest.__file__).parent)
# Set by LocalStack for its own init program; AWS has none of them.
FOREIGN = ("LOCALSTACK_", "EDGE_PORT", "AWS_LAMBDA_FUNCTION_TIMEOUT", "AWS_LAMBDA_MAX_CONCURRENCY")
# Read by the interpreter or the dynamic linker only when a program starts.
READ_AT_START = ("PYTHON", "LD_", "MALLOC_", "GLIBC_TUNABLES")
INTERPRETER_LIBRARIES = "/var/lang/lib"
HARMLESS = ("PYTHONPATH", "PYTHONUNBUFFERED")


@dataclass(frozen=True)
class Places:
    """Where a function's processes find things; absolute paths as they see them."""

    task: str = "/var/task"
    layers: str = "/opt"
    guest: str = "/var/runtime"
    rapid: str = "/var/rapid"
    temporary: str | None = None
    """Set where /tmp is the machine's own."""
    python: str = "/var/lang/bin/python3"

    def search_path(self, version: str, python_path: str, standard: tuple[str, ...]) -> list[str]:
        """Python's module path: code, layers, what PYTHONPATH names (the runtime's own packages), library."""
        own = [self.task, f"{self.layers}/python/lib/python{version}/site-packages", f"{self.layers}/python"]
        named = [entry for entry in python_path.split(os.pathsep) if entry]
        ordered = [*own, *named, *standard, self.guest]
        return list(dict.fromkeys(ordered))


def variables(
    given: Mapping[str, object], configured: Mapping[str, str], runtime: str, places: Places, address: str
) -> dict[str, str]:
    """The environment of the runtime: `given` by LocalStack, `configured` by the user, the rest as on AWS."""
    image = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": f"/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:{places.layers}/bin",
        "LD_LIBRARY_PATH": (
            f"/var/lang/lib:/lib64:/usr/lib64:{places.guest}:{places.guest}/lib:{places.task}:{places.task}/lib:"
            f"{places.layers}/lib"
        ),
        "SHLVL": "0",
        "PWD": places.task,
    }
    if runtime.startswith("python"):
        image["PYTHONPATH"] = places.guest
        image["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{runtime}"
    if places.temporary is not None:
        image["TMPDIR"] = places.temporary
    wanted = {
        name: str(value)
        for name, value in given.items()
        if name in configured
        or not (name.startswith(FOREIGN) or name in image or name == "AWS_EXECUTION_ENV")
    }
    return {
        **image,
        **wanted,
        "LAMBDA_TASK_ROOT": places.task,
        "LAMBDA_RUNTIME_DIR": places.guest,
        "AWS_LAMBDA_RUNTIME_API": address,
    }


def needs_fresh_interpreter(configured: Mapping[str, str]) -> bool:
    """Whether the user has set a variable that a forked interpreter would have missed."""
    return any(name.startswith(READ_AT_START) and name not in HARMLESS for name in configured)


def findable(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables by which an interpreter that is started anew finds its own library, which lies at a place
    of its own, whatever LD_LIBRARY_PATH the user has set (bootstrap.py takes the addition away again)."""
    path = environment.get("LD_LIBRARY_PATH", "")
    if INTERPRETER_LIBRARIES in path.split(":"):
        return {}
    return {
        "LD_LIBRARY_PATH": f"{path}:{INTERPRETER_LIBRARIES}",
        "MDLC_LIBRARIES": f":{INTERPRETER_LIBRARIES}",
    }


def program(
    configured: Mapping[str, str], runtime: str, places: Places, code: Path, layers: Path
) -> list[str] | None:
    """The program to execute instead of going on in the fork, None for the fork. `code` and `layers` are
    where this process finds what the function sees as its task root and layers."""
    if not runtime.startswith("python"):
        return [_bootstrap(places, code, layers)]
    wrapper = configured.get("AWS_LAMBDA_EXEC_WRAPPER")
    if not wrapper and not needs_fresh_interpreter(configured):
        return None
    command = [places.python, f"{places.guest}/bootstrap.py"]
    return [wrapper, *command] if wrapper else command


def _bootstrap(places: Places, code: Path, layers: Path) -> str:
    for root, seen in ((code, places.task), (layers, places.layers)):
        program = root / "bootstrap"
        if not program.is_file():
            continue
        if not program.stat().st_mode & 0o111:
            raise EntrypointError(f"fork/exec {seen}/bootstrap: permission denied")
        with program.open("rb") as file:
            if not file.read(4).startswith((b"\x7fELF", b"#!")):
                raise EntrypointError(f"fork/exec {seen}/bootstrap: exec format error")
        return f"{seen}/bootstrap"
    raise EntrypointError("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


def top_level_modules(directories: list[Path]) -> set[str]:
    """Names that `import` would find first in these directories."""
    names = set()
    for directory in directories:
        try:
            entries = list(os.scandir(directory))
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir():
                names.add(entry.name)
            elif entry.name.endswith((".py", ".so", ".pyc")):
                names.add(entry.name.partition(".")[0])
    return names


def python_directories(code: Path, opt: Path, version: str) -> list[Path]:
    """Where a Python function's own modules are."""
    return [code, opt / "python" / "lib" / f"python{version}" / "site-packages", opt / "python"]
