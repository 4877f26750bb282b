"""What a job leaves behind, as archives or as files in S3.

model.tar.gz holds what is below /opt/ml/model, output.tar.gz what is below /opt/ml/output/data:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path

from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, files_below

LEVEL = 1
"""Of gzip: what is made once and read once or twice on this machine is not worth the time of more."""


def pack(directory: Path, archive: Path) -> None:
    """Make a .tar.gz of what is below the directory, names relative to it."""
    with tarfile.open(archive, "w:gz", compresslevel=LEVEL) as tar:
        for entry in sorted(directory.iterdir()):
            tar.add(entry, entry.name, filter=_owner_less)


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
        objects.upload(archive, where)
    finally:
        archive.unlink()
    return where


def merged(directories: Sequence[Path]) -> Path:
    """One directory with everything that is in several: the first, into which the others' files are moved;
    of two files of one name the first stays."""
    first, *others = directories
    for other in others:
        for path in list(files_below(other)):
            target = first / path.relative_to(other)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
    return first
