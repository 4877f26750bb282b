"""Execution environments without an emulator around them: real zygotes, real processes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.engine.functions import settings
from mdlc_emulator.engine.functions.environment import Environment
from mdlc_emulator.engine.functions.interpreters import OWN, interpreter
from mdlc_emulator.engine.functions.runtime_process import RuntimeProcess
from mdlc_emulator.engine.functions.runtime_server import Event, Poller
from mdlc_emulator.engine.functions.zygotes import Zygote

MODES: dict[str, tuple[str, ...]] = {"root": ("root",), "user": ("user",), "none": ()}
Make = Callable[..., Environment]


def event(request_id: str, payload: bytes) -> Event:
    head = f"Lambda-Runtime-Aws-Request-Id: {request_id}\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\n"
    return Event(request_id, payload, head)


@pytest.fixture(scope="session", params=MODES)
def zygote(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    """A zygote in each kind of sandbox that this machine allows."""
    python = interpreter(OWN)
    assert python is not None
    made = Zygote(python, ("boto3",), MODES[request.param])
    if made.facts().sandbox != request.param:
        made.stop()
        pytest.skip(f"no sandbox of kind {request.param} here: {made.facts().reason}")
    yield made
    made.stop()


@pytest.fixture
def make(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """`make(source, memory_mb=..., storage_mb=...)`: an environment of a function `index.handler`."""
    made: list[Environment] = []

    def environment(source: str, *, memory_mb: int = 256, storage_mb: int = 16) -> Environment:
        new = Environment(_spawner(zygote, tmp_path_factory, source, storage_mb), memory_mb << 20)
        made.append(new)
        return new

    yield environment
    for each in made:
        each.close()


def _spawner(
    zygote: Zygote, directories: pytest.TempPathFactory, source: str, storage_mb: int
) -> Callable[[Poller, str], RuntimeProcess]:
    code, temporary = directories.mktemp("code"), directories.mktemp("tmp")
    (code / "index.py").write_text(textwrap.dedent(source))
    code.chmod(0o755)
    return lambda poller, address: RuntimeProcess(
        poller, zygote, launch_request(zygote, code, temporary, address, storage_mb)
    )


def launch_request(
    zygote: Zygote, code: Path, temporary: Path, address: str, storage_mb: int
) -> dict[str, Any]:
    """What a zygote is told to start the function in `code`."""
    places = settings.Places()
    if zygote.facts().sandbox == "none":
        places = settings.Places(str(code), "/nowhere", "/nowhere", "/nowhere", str(temporary), "python")
    environment = settings.variables({"_HANDLER": "index.handler"}, {}, f"python{OWN}", places, address)
    return {
        "code": str(code),
        "layers": None,
        "cache": None,
        "roots": [],
        "bytecode": None,
        "storage_mb": storage_mb,
        "environment": environment,
        "handler": "index.handler",
        "argv": None,
        "path": places.search_path(OWN, environment["PYTHONPATH"], zygote.facts().path),
        "task_root": places.task,
        "brought": ["index"],
    }
