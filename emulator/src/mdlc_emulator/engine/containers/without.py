"""A container where the machine allows no namespaces: paths are translated instead of mounted."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mdlc_emulator.engine.containers.contract import ContainerSpec

BASE_DIRECTORY = "SAGEMAKER_BASE_DIR"
BIND_PORT = "SAGEMAKER_BIND_TO_PORT"


@dataclass(frozen=True)
class Translated:
    """What to start instead, and which port of the machine stands for each of the container's."""

    spec: ContainerSpec
    ports: Mapping[int, int]


def translated(spec: ContainerSpec, base: Path) -> Translated:
    """`spec` with every path of /opt/ml and of its mounts, in command, environment and working directory,
    replaced by the machine's own; `SAGEMAKER_BASE_DIR` names the former, TMPDIR a directory in `base`."""
    places = {mount.target.rstrip("/"): str(mount.source) for mount in spec.mounts}
    if spec.ml is not None:
        places["/opt/ml"] = str(spec.ml)
    temporary = base / "tmp"
    temporary.mkdir()
    environment = {name: _moved(value, places) for name, value in spec.environment.items()}
    environment.setdefault("TMPDIR", str(temporary))
    if spec.ml is not None:
        environment.setdefault(BASE_DIRECTORY, str(spec.ml))
    ports = {port: _free_port() for port in spec.ports}
    if ports:
        environment[BIND_PORT] = str(next(iter(ports.values())))
    directory = _moved(spec.working_directory, places)
    return Translated(
        replace(
            spec,
            command=[_moved(word, places) for word in spec.command],
            environment=environment,
            working_directory=directory if Path(directory).is_dir() else "/",
            ml=None,
            mounts=(),
        ),
        ports,
    )


def _moved(text: str, places: Mapping[str, str]) -> str:
    for target in sorted(places, key=len, reverse=True):
        text = places[target].join(re.split(rf"(?<![\w./-]){re.escape(target)}(?![\w.-])", text))
    return text


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
