"""Code that is edited while its function is warm: a change is seen by the next invocation."""

from __future__ import annotations

import os
from pathlib import Path

IGNORED = frozenset({"__pycache__", "node_modules"})


def fingerprint(directory: Path) -> int:
    """A number that changes when a file below `directory` is written, added, removed or renamed. Hidden files
    and directories, and compiled modules, do not count."""
    seen = []
    waiting = [str(directory)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in IGNORED:
                continue
            if entry.is_dir():
                waiting.append(entry.path)
                continue
            try:
                status = entry.stat()
            except OSError:
                continue
            seen.append((entry.path, status.st_mtime_ns, status.st_size, status.st_ino))
    return hash(tuple(sorted(seen)))
