"""The directories of a job on this machine: one that becomes /opt/ml for each host."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workplace() -> Iterator[Path]:
    """An empty directory that is gone afterwards, whatever a container left in it."""
    directory = Path(tempfile.mkdtemp(prefix="job-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
