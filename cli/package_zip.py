"""Zips that are the same, byte for byte, whenever their content is."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE, _PROGRAM = 0o100644, 0o100755


def write_zip(target: Path, files: Iterable[tuple[str, Path]], level: int = 6) -> None:
    """Write (name in the zip, file) pairs, sorted, without times and owners; appears at `target` only when
    whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{target.stem[:8]}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, path in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (_PROGRAM if path.stat().st_mode & 0o100 else _FILE) << 16
            archive.writestr(info, path.read_bytes(), compresslevel=level)
    partial.replace(target)
