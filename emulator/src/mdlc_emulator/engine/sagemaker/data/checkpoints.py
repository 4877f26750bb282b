"""Checkpoints: a directory of the container kept in step with a prefix in S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html: what is under the prefix lies in the
directory before the job starts; what the job writes there is uploaded while it runs and when it ends, however
it ends. Files that it deletes stay in S3.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.containers.contract import Mount
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, S3Error, files_below
from mdlc_emulator.engine.sagemaker.data.selection import by_prefix

LOG = logging.getLogger(__name__)
EVERY = 1.0
"""Seconds between two looks at the directory."""
LOCAL = "/opt/ml/checkpoints"


class Checkpoints:
    """Those of one job; without a `config` (CheckpointConfig) there are none."""

    def __init__(self, config: Mapping[str, Any] | None, objects: Objects) -> None:
        self._place = Place.of(config["S3Uri"]) if config else None
        self._local = ((config or {}).get("LocalPath") or LOCAL).rstrip("/")
        self._objects = objects
        self._seen: dict[Path, tuple[int, int]] = {}
        self._pending: dict[Path, tuple[int, int]] = {}

    def directory(self, ml: Path) -> Path:
        """Where they lie on this machine, for the host whose /opt/ml is `ml`."""
        inside = Path(self._local)
        root = Path("/opt/ml")
        return (
            ml / inside.relative_to(root)
            if inside.is_relative_to(root)
            else ml.with_name(f"{ml.name}-checkpoints")
        )

    def mounts(self, ml: Path) -> list[Mount]:
        """What must be shown besides /opt/ml."""
        if self._place is None or Path(self._local).is_relative_to("/opt/ml"):
            return []
        return [Mount(self.directory(ml), self._local, read_only=False)]

    def restore(self, ml: Path) -> None:
        """Bring what is under the prefix. S3Error when that fails."""
        if self._place is None:
            return
        directory = self.directory(ml)
        directory.mkdir(parents=True, exist_ok=True)
        for chosen in by_prefix(self._objects, self._place):
            path = directory / chosen.path
            self._objects.download(chosen.place, path)
            self._seen[path] = _state(path)

    @contextmanager
    def kept(self, places: Sequence[Path]) -> Iterator[None]:
        """While inside, and once more at the end, what is new in the directories is uploaded."""
        if self._place is None:
            yield
            return
        over = threading.Event()
        thread = threading.Thread(target=self._keep, args=(places, over), name="checkpoints", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._upload(places, settled=True)

    def _keep(self, places: Sequence[Path], over: threading.Event) -> None:
        while not over.wait(EVERY):
            self._upload(places, settled=False)

    def _upload(self, places: Sequence[Path], *, settled: bool) -> None:
        """Upload what has changed; files still being written (changed since the last look) wait for the
        next one, unless all is `settled`."""
        assert self._place is not None
        for ml in places:
            directory = self.directory(ml)
            for path in files_below(directory):
                try:
                    self._look(path, directory, settled)
                except (S3Error, OSError) as error:
                    LOG.warning("A checkpoint could not be uploaded: %s", error)

    def _look(self, path: Path, directory: Path, settled: bool) -> None:
        assert self._place is not None
        state = _state(path)
        if self._seen.get(path) == state:
            return
        pending = self._pending.get(path)
        if not settled and pending != state:
            self._pending[path] = state
            return
        self._objects.upload(path, self._place.below(path.relative_to(directory).as_posix()))
        self._seen[path] = state


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
