"""Directories kept in step with a prefix in S3: uploads of what is new, while a job runs and at its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mdlc_emulator.engine.sagemaker.data.left import check_directory, files_below
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, S3Error

LOG = logging.getLogger(__name__)
EVERY = 1.0
"""Seconds between two looks at the directories."""

type State = tuple[int, int]


class Mirror:
    """Uploads the files of the directories to one prefix. Files that vanish stay in S3.

    `directories` are one of each host with the directory in which it must lie."""

    def __init__(self, objects: Objects, directories: Sequence[tuple[Path, Path]], place: Place) -> None:
        self._objects, self._directories, self._place = objects, directories, place
        self._sent: dict[Path, State] = {}
        self._seen: dict[Path, State] = {}

    def known(self, path: Path) -> None:
        """The file is what S3 has already."""
        self._sent[path] = _state(path)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Upload while inside, and all that is new when it is left, however. S3Error or OSError when that
        fails."""
        over = threading.Event()
        thread = threading.Thread(target=self._keep, args=(over,), name=f"mirror-{self._place}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.upload(settled=True)

    def _keep(self, over: threading.Event) -> None:
        while not over.wait(EVERY):
            try:
                self.upload(settled=False)
            except (S3Error, OSError) as error:  # the end tries again and tells
                LOG.warning("Nothing is uploaded to %s at present: %s", self._place, error)

    def upload(self, *, settled: bool) -> None:
        """Upload what has changed. A file that is still being written (it has changed since the last look)
        waits for the next, unless all is `settled`."""
        for directory, root in self._directories:
            check_directory(root, directory)
            for path in files_below(directory):
                try:
                    state = _state(path)
                except FileNotFoundError:  # gone since it was listed
                    continue
                if self._sent.get(path) == state:
                    continue
                if settled or self._seen.get(path) == state:
                    where = self._place.below(path.relative_to(directory).as_posix())
                    self._objects.upload(path, where, root)
                    self._sent[path] = state
                self._seen[path] = state


def _state(path: Path) -> State:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
