"""What the launcher hands to a supervisor, and what an instance is known by while it lives."""

import json
import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# How open files are named to the next process; each reads and removes them before anything else runs.
LISTEN_FD = "MDLC_LISTEN_FD"
READY_FD = "MDLC_READY_FD"
LIFE_FD = "MDLC_LIFE_FD"
OWNER_FD = "MDLC_OWNER_FD"


@dataclass(frozen=True)
class Spec:
    """One instance to run. `command` starts the engine (empty: the caller forks it); `grace` is how many
    seconds it has to end after SIGTERM."""

    port: int
    home: str
    record: str
    kept_log: str
    command: list[str]
    details: dict[str, str]
    grace: float = 5.0

    @classmethod
    def parse(cls, text: str) -> "Spec":
        return cls(**json.loads(text))

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @property
    def log(self) -> str:
        return f"{self.home}/engine.log"


def send_order(connection: socket.socket, order: dict[str, Any], fds: list[int]) -> None:
    """Hand an order and open files to a template: 4 bytes of length with the files, then JSON."""
    text = json.dumps(order).encode()
    socket.send_fds(connection, [len(text).to_bytes(4)], fds)
    connection.sendall(text)


def receive_order(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What `send_order` sent. ValueError when it is no order."""
    head, fds, _, _ = socket.recv_fds(connection, 4, 8)
    for fd in fds:
        os.set_inheritable(fd, False)
    text = b""
    while len(text) < int.from_bytes(head):
        if not (chunk := connection.recv(65536)):
            raise ValueError("the order ends in the middle")
        text += chunk
    order = json.loads(text)
    if not isinstance(order, dict):
        raise ValueError("an order is an object")
    return order, fds


def write_record(
    spec: Spec, engine: tuple[int, str | None], supervisor: tuple[int, str | None], since: float
) -> None:
    """Make the instance known to other processes, in one step: a reader sees all of it or nothing."""
    record = {
        "port": spec.port,
        "home": spec.home,
        "engine": engine,
        "supervisor": supervisor,
        "since": since,
        "details": spec.details,
    }
    path = Path(spec.record)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(record))
    fresh.replace(path)


def remove_record(spec: Spec) -> None:
    """Forget the instance, unless another one has taken its place."""
    path = Path(spec.record)
    with suppress(OSError, ValueError, KeyError):
        if json.loads(path.read_text())["home"] == spec.home:
            path.unlink()
