"""Where S3's objects lie on this machine, and how the engine itself reads them: as files, not as HTTP.

A job that reads a large object through a client would send it to itself, in one process, a few kilobytes at a
time.
"""

from __future__ import annotations

import functools
import tempfile
from typing import Any

from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore


@functools.cache
def object_store() -> EphemeralS3ObjectStore:
    """The one store of this instance, in its home.

    Stock S3 keeps objects of all instances in one folder of the machine's /tmp: two emulators would remove
    each other's buckets, and leave them behind.
    """
    return EphemeralS3ObjectStore(tempfile.mkdtemp(prefix="s3-"))


def open_object(account: str, region: str, bucket: str, key: str) -> Any:
    """The newest version of an object, with `read(size)` and `close()`; it cannot be overwritten while it is
    open. S3's own exceptions for what is not there."""
    from localstack.aws.api.s3 import NoSuchBucket
    from localstack.services.s3.models import s3_stores

    store = s3_stores[account][region]
    found = store.buckets.get(bucket)
    if found is None and (owner := store.global_bucket_map.get(bucket)) is not None:
        found = s3_stores[owner][region].buckets.get(bucket)
    if found is None:
        raise NoSuchBucket("The specified bucket does not exist", BucketName=bucket)
    return object_store().open(bucket, found.get_object(key=key), mode="r")
