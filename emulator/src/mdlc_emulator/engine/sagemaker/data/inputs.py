"""Inputs of jobs: S3 objects become files in a directory.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, S3Error
from mdlc_emulator.engine.sagemaker.data.selection import (
    Chosen,
    SelectionError,
    by_manifest,
    by_prefix,
)

COPY_BYTES = 1 << 20


class DownloadError(Exception):
    """An input could not be brought to the job. The message is for FailureReason."""


def select(objects: Objects, uri: str, data_type: str) -> list[Chosen]:
    """The objects that an input means; `data_type` is S3Prefix or ManifestFile. DownloadError."""
    place = Place.of(uri)
    try:
        chosen = by_manifest(objects, place) if data_type == "ManifestFile" else by_prefix(objects, place)
    except (S3Error, SelectionError) as error:
        raise DownloadError(f"Data download failed: {error}") from error
    if not chosen:
        raise DownloadError(f"Data download failed: no S3 objects are left under {uri}")
    return chosen


def bring(
    objects: Objects,
    chosen: Sequence[Chosen],
    directory: Path,
    *,
    unzip: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Copy the objects into the directory, decompressed when `unzip`; ends early once `stopped()`.
    DownloadError."""
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
            f"Data download failed: {place} is no gzip file, but CompressionType is Gzip"
        ) from error
    path.unlink()
    plain.rename(path.with_name(path.name.removesuffix(".gz")))
