"""Deployment packages and layers on disk: each content unpacked once, shared by the versions that use it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mdlc_emulator.engine.functions.archives import unpack


@dataclass(frozen=True)
class Package:
    """A zip archive: a name for its content, and how to write it into a file."""

    digest: str
    write_to: Callable[[IO[bytes]], None]


@dataclass
class _Entry:
    path: Path
    users: int = 0


class CodeStore:
    """Directories of unpacked code, counted by use and removed with the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Lock] = {}
        self._entries: dict[str, _Entry] = {}

    def acquire(self, packages: list[Package]) -> Path:
        """A directory with the content of `packages`, later over earlier; give it back with `release`.
        ArchiveError for an archive that must not be unpacked."""
        key = self.key(packages)
        with self._lock:
            busy = self._busy.setdefault(key, threading.Lock())
        with busy:
            with self._lock:
                entry = self._entries.get(key)
                if entry is not None:
                    entry.users += 1
                    return entry.path
            path = self._build(key, packages)
            with self._lock:
                self._entries[key] = _Entry(path, 1)
            return path

    def release(self, packages: list[Package]) -> None:
        """The counterpart of `acquire`; the last one removes the directory."""
        key = self.key(packages)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return
            entry.users -= 1
            if entry.users > 0:
                return
            del self._entries[key]
            # Out of the way at once, so that the same content can be unpacked anew while this is removed.
            doomed = entry.path.with_name(f"{entry.path.name}.{os.urandom(4).hex()}.old")
            entry.path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    @staticmethod
    def key(packages: list[Package]) -> str:
        """The name of this content."""
        return hashlib.sha256("\n".join(package.digest for package in packages).encode()).hexdigest()[:32]

    def _build(self, key: str, packages: list[Package]) -> Path:
        root = Path(tempfile.gettempdir()) / "lambda" / "code"
        root.mkdir(parents=True, exist_ok=True)
        final = root / key
        scratch = Path(tempfile.mkdtemp(dir=root, prefix=f"{key}."))
        try:
            for package in packages:
                with tempfile.TemporaryFile() as file:
                    package.write_to(file)
                    unpack(file, scratch)
            scratch.chmod(0o755)
            scratch.rename(final)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        return final


CODE = CodeStore()
