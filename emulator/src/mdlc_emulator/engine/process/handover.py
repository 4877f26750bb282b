"""What the supervisor hands to the engine: open files, named by environment variables that are read once.

Functions and other children must inherit neither the variables nor the files: `receive` removes the first and
closes the second for them.
"""

import json
import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field

from mdlc_emulator.supervisor.spec import LIFE_FD, LISTEN_FD, READY_FD, Spec

INSTANCE = "MDLC_INSTANCE"


@dataclass
class Handover:
    """Nothing is set in an engine that was started by hand."""

    listening: socket.socket | None = None
    spec: Spec | None = None
    life: int | None = None
    """Reads as ended once the supervisor is gone."""
    _ready: int | None = field(default=None, repr=False)

    def say_ready(self) -> None:
        """Tell whoever started this engine that it answers."""
        self._say({"ready": os.getpid()})

    def say_failed(self, sentence: str) -> None:
        """Tell whoever started this engine, in a sentence fit for a user, why it will never answer."""
        self._say({"failed": sentence})

    def _say(self, message: dict[str, object]) -> None:
        if self._ready is not None:
            with suppress(OSError):
                os.write(self._ready, json.dumps(message).encode() + b"\n")
            os.close(self._ready)
            self._ready = None


_current = Handover()


def current() -> Handover:
    """What this engine was handed."""
    return _current


def listening_socket() -> socket.socket | None:
    """The gateway's socket, bound to the loopback interface and listening; None when started by hand."""
    return _current.listening


def receive(environment: MutableMapping[str, str]) -> Handover:
    """Take over what `environment` names; later `current()` returns the same."""
    global _current

    def taken(name: str) -> int | None:
        value = environment.pop(name, None)
        if value is None:
            return None
        os.set_inheritable(int(value), False)
        return int(value)

    listen = taken(LISTEN_FD)
    spec = environment.pop(INSTANCE, None)
    _current = Handover(
        listening=None if listen is None else socket.socket(fileno=listen),
        spec=None if spec is None else Spec.parse(spec),
        life=taken(LIFE_FD),
        _ready=taken(READY_FD),
    )
    return _current
