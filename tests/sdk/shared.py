"""What several scenarios look at."""

from __future__ import annotations

import io
import tarfile
from typing import Any


def content_of(session: Any, uri: str) -> bytes:
    """The object at `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body: bytes = session.boto_session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def artifact_of(session: Any, uri: str) -> dict[str, bytes]:
    """The files of a model.tar.gz by name."""
    with tarfile.open(fileobj=io.BytesIO(content_of(session, uri)), mode="r:gz") as archive:
        return {
            member.name.removeprefix("./"): archive.extractfile(member).read()  # type: ignore[union-attr]
            for member in archive
            if member.isfile()
        }
