"""Which instances there are: one small file for each in the user's state directory, written by its
supervisor.

A file proves nothing by itself. An instance lives while the engine or the supervisor named in it lives, each
known by its pid and its start time; what a machine's crash left behind is swept when it is met.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mdlc_emulator.supervisor import host
from mdlc_emulator.supervisor.sweep import remove_tree


def state_directory() -> Path:
    """$XDG_STATE_HOME/mdlc-emulator, else ~/.local/state/mdlc-emulator."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "mdlc-emulator"


def record_path(port: int) -> Path:
    return state_directory() / "instances" / f"{port}.json"


def kept_log_path(port: int) -> Path:
    """Where the log of an engine goes that ended on `port` without being asked to."""
    return state_directory() / "logs" / f"{port}.log"


@dataclass(frozen=True)
class Record:
    """What the state directory says of one instance; `since` in seconds since 1970."""

    port: int
    home: Path
    engine_pid: int
    engine_mark: str | None
    supervisor_pid: int
    supervisor_mark: str | None
    since: float
    details: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """None when there is no such file, or nothing of sense in it."""
        try:
            raw = json.loads(path.read_text())
            return cls(
                int(raw["port"]),
                Path(raw["home"]),
                int(raw["engine"][0]),
                raw["engine"][1],
                int(raw["supervisor"][0]),
                raw["supervisor"][1],
                float(raw["since"]),
                dict(raw["details"]),
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "engine.log"

    @property
    def engine_alive(self) -> bool:
        return host.is_same(self.engine_pid, self.engine_mark)

    @property
    def supervisor_alive(self) -> bool:
        return host.is_same(self.supervisor_pid, self.supervisor_mark)


def find(port: int) -> Record | None:
    """The living instance on `port`. A record of a dead one is removed, with what that one left on disk."""
    path = record_path(port)
    record = Record.read(path)
    if record is None:
        return None
    if record.engine_alive or record.supervisor_alive:
        return record
    remove_tree(str(record.home))
    with suppress(OSError):
        path.unlink()
    return None


def living() -> Iterator[Record]:
    """Every living instance of this user, by port."""
    names = [path.stem for path in record_path(0).parent.glob("*.json")]
    for port in sorted(int(name) for name in names if name.isdigit()):
        if (record := find(port)) is not None:
            yield record
