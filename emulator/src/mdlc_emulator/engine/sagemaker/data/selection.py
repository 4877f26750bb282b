"""Which objects an input means, and where each of them lies in the container.

S3DataSource: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

from __future__ import annotations

import json
import posixpath
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place


class SelectionError(Exception):
    """The input names nothing, or its manifest cannot be read. The message is for FailureReason."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One object and its path relative to the input's directory."""

    place: Place
    path: str
    size: int


def relative_path(prefix: str, key: str) -> str:
    """Where an object found under `prefix` lies: what its key has beyond the prefix's last whole directory.

    `data/train` finds `data/train/a.csv` as `a.csv`, `data/train.csv` as `train.csv`, and
    `data/train-2/b.csv` as `train-2/b.csv`, as SageMaker does.
    """
    directory = prefix if prefix.endswith("/") else prefix + "/"
    if prefix and key.startswith(directory):
        return key[len(directory) :]
    return key[prefix.rfind("/") + 1 :]


def by_prefix(objects: Objects, place: Place) -> list[Chosen]:
    """The objects under a prefix. Keys that end in a slash stand for directories and are left out.
    SelectionError when two keys would lie at one path."""
    chosen: dict[str, Chosen] = {}
    for found in objects.under(place):
        path = _safe(relative_path(place.key, found.key))
        if path in chosen:
            raise SelectionError(
                f"{chosen[path].place} and the key {found.key} are both {path} below the prefix {place}: "
                "name the directory with a slash at its end"
            )
        if path:
            chosen[path] = Chosen(Place(place.bucket, found.key), path, found.size)
    return list(chosen.values())


def by_manifest(objects: Objects, place: Place) -> list[Chosen]:
    """The objects that a manifest lists: `[{"prefix": "s3://b/p/"}, "relative/key", ...]`."""
    prefix, keys = read_manifest(objects.read(place), str(place))
    base = Place.of(prefix)
    chosen = []
    for key in keys:
        where = Place(base.bucket, base.key + key)
        size = next((found.size for found in objects.under(where) if found.key == where.key), None)
        if size is None:
            raise SelectionError(f"The manifest {place} names {where}, which does not exist")
        chosen.append(Chosen(where, _safe(key), size))
    return chosen


def read_manifest(text: bytes, name: str) -> tuple[str, list[str]]:
    """The prefix and the keys of a manifest. SelectionError when it is none."""
    wrong = SelectionError(
        f'The manifest {name} is no JSON list of {{"prefix": "s3://bucket/prefix/"}} and keys relative to it'
    )
    try:
        entries: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
        raise wrong
    prefix = entries[0].get("prefix")
    keys = entries[1:]
    if (
        not isinstance(prefix, str)
        or not re.match("s3://[^/]", prefix)
        or not all(isinstance(key, str) for key in keys)
    ):
        raise wrong
    return prefix, keys


def _safe(path: str) -> str:
    """The path, or "" for a directory's marker. SelectionError when it leads out of the directory."""
    path = path.lstrip("/")
    if not path or path.endswith("/"):
        return ""
    if posixpath.normpath(path).startswith(("../", "/")) or posixpath.normpath(path) == "..":
        raise SelectionError(f"The key {path} would lie outside of the input's directory")
    return path


def shard[T](items: Sequence[T], host: int, hosts: int) -> list[T]:
    """The part of `items` that host number `host` (from 0) of `hosts` gets with ShardedByS3Key: about
    1/hosts of them, each item on exactly one host."""
    return list(items[host::hosts])


def shuffled[T](items: Sequence[T], seed: int) -> list[T]:
    """The items in the order that ShuffleConfig's seed gives: the same for the same seed. It decides which
    host gets which shard; a directory has no order."""
    mixed = list(items)
    random.Random(seed).shuffle(mixed)  # noqa: S311
    return mixed
