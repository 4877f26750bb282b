"""Training channels: S3 objects become files below /opt/ml/input/data/<channel>.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.sagemaker.data.s3 import COPY_BYTES, Objects, Place, S3Error
from mdlc_emulator.engine.sagemaker.data.selection import (
    Chosen,
    SelectionError,
    by_manifest,
    by_prefix,
    shard,
)


class DownloadError(Exception):
    """An input could not be brought to the job. The message is for FailureReason."""


def select(objects: Objects, source: Mapping[str, Any]) -> list[Chosen]:
    """The objects that an S3DataSource (or an S3Input) means. DownloadError when there are none."""
    uri = source["S3Uri"]
    place = Place.of(uri)
    try:
        if source["S3DataType"] == "ManifestFile":
            chosen = by_manifest(objects, place)
        else:
            chosen = by_prefix(objects, place)
    except (S3Error, SelectionError) as error:
        raise DownloadError(str(error)) from error
    return chosen


def bring(
    objects: Objects,
    chosen: list[Chosen],
    directory: Path,
    *,
    unzip: bool,
    stopped: Callable[[], bool],
) -> None:
    """Copy the objects into the directory, decompressed when `unzip`; ends early once `stopped()`."""
    for each in chosen:
        if stopped():
            return
        target = directory / each.path
        try:
            objects.download(each.place, target)
        except (S3Error, OSError) as error:
            raise DownloadError(f"Data download failed for {each.place}: {error}") from error
        if unzip:
            _unzip(target, each.place)


def _unzip(path: Path, place: Place) -> None:
    """Replace a gzip file by its content; the name loses its `.gz`."""
    plain = path.with_name(path.name + ".part")
    try:
        with gzip.open(path) as packed, plain.open("wb") as file:
            shutil.copyfileobj(packed, file, COPY_BYTES)
    except (OSError, EOFError) as error:
        raise DownloadError(
            f"{place} is not a gzip file, but its channel says CompressionType Gzip."
        ) from error
    path.unlink()
    plain.rename(path.with_name(path.name.removesuffix(".gz")))


def part_of(
    chosen: list[Chosen], source: Mapping[str, Any], member: str, host: int, hosts: int
) -> list[Chosen]:
    """What one host gets: everything, or its shard. `member` is the source's word for the distribution."""
    if source.get(member) == "ShardedByS3Key":
        return shard(chosen, host, hosts)
    return chosen
