"""Checkpoints: a directory of the container kept in step with a prefix in S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html: what is under the prefix lies in the
directory before the job starts; what the job writes there is uploaded while it runs and when it ends, however
it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.containers.contract import Mount
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place
from mdlc_emulator.engine.sagemaker.data.selection import by_prefix
from mdlc_emulator.engine.sagemaker.data.upload import Mirror

LOCAL = "/opt/ml/checkpoints"
_ROOT = Path("/opt/ml")


class Checkpoints:
    """Those of one job on the hosts whose /opt/ml are `mls`; without a `config` (CheckpointConfig) none."""

    def __init__(self, config: Mapping[str, Any] | None, objects: Objects, mls: Sequence[Path]) -> None:
        self._objects = objects
        self._place = Place.of(config["S3Uri"]) if config else None
        self._local = Path((config or {}).get("LocalPath") or LOCAL)
        self._mls = mls
        place = self._place or Place("", "")
        self._mirror = Mirror(objects, [self._directory_and_root(ml) for ml in mls], place)

    def directory(self, ml: Path) -> Path:
        """Where they lie on this machine."""
        if self._local.is_relative_to(_ROOT):
            return ml / self._local.relative_to(_ROOT)
        return ml.with_name(f"{ml.name}-checkpoints")

    def _directory_and_root(self, ml: Path) -> tuple[Path, Path]:
        directory = self.directory(ml)
        return directory, ml if directory.is_relative_to(ml) else directory

    def mounts(self, ml: Path) -> list[Mount]:
        """What must be shown besides /opt/ml."""
        if self._place is None or self._local.is_relative_to(_ROOT):
            return []
        return [Mount(self.directory(ml), str(self._local), read_only=False)]

    def restore(self) -> None:
        """Bring what is under the prefix. S3Error when that fails."""
        if self._place is None:
            return
        for ml in self._mls:
            directory = self.directory(ml)
            directory.mkdir(parents=True, exist_ok=True)
            for chosen in by_prefix(self._objects, self._place):
                self._objects.download(chosen.place, path := directory / chosen.path)
                self._mirror.known(path)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Upload what is new while inside, and when it is left. S3Error or OSError when that fails."""
        if self._place is None:
            yield
            return
        with self._mirror.kept():
            yield
