"""What a job leaves behind, as archives or as files in S3.

model.tar.gz holds what is below /opt/ml/model, output.tar.gz what is below /opt/ml/output/data:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
"""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from mdlc_emulator.engine.sagemaker.data.left import check_directory, files_below
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place

COPY_BYTES = 1 << 20
"""Few large pieces: the interpreter's lock is let go while each is compressed."""
WORTH_IT = 0.8
"""What does not shrink below this is stored as it is, forty times as fast: weights hardly shrink, and the
archive is read on this machine, once or twice."""


def pack(directory: Path, archive: Path) -> None:
    """Make a .tar.gz of what is below the directory, names relative to it."""
    with (
        gzip.open(archive, "wb", compresslevel=_level(directory)) as packed,
        tarfile.TarFile(fileobj=packed, mode="w", copybufsize=COPY_BYTES) as tar,
    ):
        for entry in sorted(directory.iterdir()):
            tar.add(entry, entry.name, filter=_owner_less)


def _level(directory: Path) -> int:
    """Of gzip: 1 when the largest file's first piece shrinks, else 0."""
    largest = max(files_below(directory), key=lambda path: path.stat().st_size, default=None)
    if largest is None:
        return 1
    with largest.open("rb") as file:
        piece = file.read(COPY_BYTES)
    return int(len(zlib.compress(piece, 1)) < WORTH_IT * len(piece))


def _owner_less(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def store(
    objects: Objects, directory: Path, place: Place, name: str, *, compressed: bool, work: Path
) -> Place:
    """Store a directory under `place`: as `<name>.tar.gz`, or its files below `<name>/`. Where it is now."""
    if not compressed:
        where = place.below(name)
        objects.upload_tree(directory, where)
        return Place(where.bucket, where.key + "/")
    archive = work / f"{name}.tar.gz"
    pack(directory, archive)
    where = place.below(archive.name)
    try:
        objects.upload(archive, where, work)
    finally:
        archive.unlink()
    return where


def merged(mls: Sequence[Path], part: str) -> Path:
    """One directory with everything that the hosts whose /opt/ml are `mls` left in `part` of it: that of the
    first, into which the others' files are moved; of two files of one name the first stays. OSError when it
    is no directory any more."""
    for ml in mls:
        check_directory(ml, ml / part)
        (ml / part).mkdir(parents=True, exist_ok=True)
    first, *others = [ml / part for ml in mls]
    for other in others:
        for path in list(files_below(other)):
            target = first / path.relative_to(other)
            if not os.path.lexists(target):
                check_directory(first, target.parent)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
    return first
