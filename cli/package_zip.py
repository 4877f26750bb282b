"""Zips that are the same, byte for byte, whenever their content is."""

import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
# The highest level saves half a percent and takes twice as long.
_LEVEL = 6
_FILE, _PROGRAM = 0o100644, 0o100755


def write_zip(target: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Write (name in the zip, file) pairs, sorted, without times and owners; appears at `target` only when
    whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, path in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (_PROGRAM if path.stat().st_mode & 0o100 else _FILE) << 16
            archive.writestr(info, path.read_bytes(), compresslevel=_LEVEL)
    partial.replace(target)
