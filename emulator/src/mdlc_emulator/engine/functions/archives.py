"""Zip archives of functions and layers: checked before anything is written."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

REFUSED = "Could not unzip uploaded file. Please check your file, then try to upload again."
LONGEST_NAME, LONGEST_PATH = 255, 2048
"""Bytes of one name and of an entry's whole path: what file systems take, less the directory above."""
SANDBOX_ROOTS = ("/var/task", "/opt")


class ArchiveError(ValueError):
    """The archive is damaged or would write outside its directory; the message is for the user."""


def check_archive(file: IO[bytes]) -> str | None:
    """Why this archive must not be unpacked, in one sentence; None if it may."""
    try:
        with zipfile.ZipFile(file) as archive:
            _check(archive)
    except ArchiveError as error:
        return str(error)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError):
        return REFUSED
    return None


def unpack(file: IO[bytes], target: Path) -> None:
    """Unpack into `target`, over what is there. ArchiveError, and nothing written, for a harmful archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            _check(archive)
            for entry in archive.infolist():
                _extract(archive, entry, target)
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ArchiveError(f"{REFUSED} ({error})") from error


def _check(archive: zipfile.ZipFile) -> None:
    links: dict[PurePosixPath, str] = {}
    entries = archive.infolist()
    for entry in entries:
        name = entry.filename
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name.split("/")[0]:
            raise ArchiveError(
                f"{REFUSED} The entry {name!r} would be written outside the function's directory: use "
                "relative paths without '..'."
            )
        if len(name.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_NAME for part in path.parts):
            raise ArchiveError(f"{REFUSED} The entry {name[:80]!r}... has a name too long for a file system.")
        if _is_link(entry):
            links[path] = archive.read(entry).decode("utf-8", "replace")
            _check_link(path, links[path])
    _check_loops(links)
    files = {PurePosixPath(entry.filename) for entry in entries if not entry.is_dir()}
    for entry in entries:
        path = PurePosixPath(entry.filename)
        clash = files.intersection(path.parents) - links.keys() or (
            {path} & files if entry.is_dir() else None
        )
        if clash:
            raise ArchiveError(
                f"{REFUSED} The entry {str(clash.pop())!r} is a file and a directory: rename one of them."
            )
        if links and not _is_link(entry) and (path in links or links.keys() & set(path.parents)):
            raise ArchiveError(
                f"{REFUSED} The entry {entry.filename!r} would be written through a symbolic link: put the "
                "file where the link points."
            )


def _check_link(path: PurePosixPath, target: str) -> None:
    within = target.startswith(tuple(f"{root}/" for root in SANDBOX_ROOTS)) and ".." not in target.split("/")
    if not target.startswith("/"):
        resolved = os.path.normpath(str(path.parent / target))
        within = not resolved.startswith("..")
    if not within:
        raise ArchiveError(
            f"{REFUSED} The symbolic link {str(path)!r} points outside the function's directory, to "
            f"{target!r}: pack the file itself."
        )


def _check_loops(links: dict[PurePosixPath, str]) -> None:
    for start in links:
        seen, path = {start}, _followed(start, links[start])
        while path in links:
            if path in seen:
                raise ArchiveError(f"{REFUSED} The symbolic link {str(start)!r} leads back to itself.")
            seen.add(path)
            path = _followed(path, links[path])


def _followed(link: PurePosixPath, target: str) -> PurePosixPath:
    """Where `link` leads, from the archive's root."""
    for root in SANDBOX_ROOTS:
        target = target.removeprefix(f"{root}/") if target.startswith("/") else target
    return PurePosixPath(os.path.normpath(str(link.parent / target)))


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    path = target.joinpath(*PurePosixPath(entry.filename).parts)
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    if _is_link(entry):
        path.symlink_to(archive.read(entry).decode("utf-8"))
        return
    with archive.open(entry) as source, path.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    # Executable only where the archive says so, as on Lambda; readable always, since archives written without
    # permissions are common and their files would otherwise belong to nobody who runs here.
    path.chmod((entry.external_attr >> 16) & 0o777 | 0o444)
