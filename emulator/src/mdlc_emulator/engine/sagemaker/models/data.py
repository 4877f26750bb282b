"""A model's data, from S3 into the directory that its server sees.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html: the artifacts are
unpacked into /opt/ml/model. The sentences of the errors are the FailureReason that endpoints show on AWS.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.checks import split_s3
from mdlc_emulator.engine.sagemaker.kernel.clients import client

_PIECE = 4 * 1024 * 1024


class DataError(Exception):
    """The data cannot be brought; the message says which and why, in AWS's words."""


@dataclass(frozen=True, slots=True)
class ModelData:
    """Where a model's data lie: an archive, one object as it is, or all objects below a prefix."""

    url: str
    prefix: bool = False
    packed: bool = True

    @staticmethod
    def of(definition: dict[str, Any]) -> ModelData | None:
        """The data that a container's definition names."""
        source = definition.get("ModelDataSource", {}).get("S3DataSource")
        if source is not None:
            return ModelData(
                source["S3Uri"], source["S3DataType"] == "S3Prefix", source["CompressionType"] == "Gzip"
            )
        url = definition.get("ModelDataUrl")
        return None if url is None else ModelData(url)

    def lay(self, caller: Caller, directory: Path) -> None:
        """Bring the data into `directory`. DataError."""
        bucket, key = split_s3(self.url)
        s3 = client("s3", caller)
        try:
            if self.prefix:
                self._lay_prefix(s3, bucket, key, directory)
            else:
                body = s3.get_object(Bucket=bucket, Key=key)["Body"]
                if self.packed:
                    self._unpack(body, directory)
                else:
                    _write(body, directory / key.rpartition("/")[2])
        except s3.exceptions.ClientError:
            raise DataError(
                f'Failed to download model data from URL "{self.url}". Please ensure that there is an object '
                "located at the URL and that the role passed to CreateModel has permissions to download the "
                "object."
            ) from None

    def _lay_prefix(self, s3: Any, bucket: str, prefix: str, directory: Path) -> None:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                name = entry["Key"].removeprefix(prefix).lstrip("/")
                target = (directory / name).resolve()
                if not name or name.endswith("/"):
                    continue
                if not target.is_relative_to(directory.resolve()):
                    raise DataError(f"The key {entry['Key']} leads out of the model's directory.")
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"], target)

    def _unpack(self, body: Any, directory: Path) -> None:
        try:
            # Not by tarfile's own r|gz: it does not look whether what it unpacks has the archive's checksum.
            with gzip.open(_Stream(body)) as packed:
                with tarfile.open(fileobj=packed, mode="r|") as archive:
                    archive.extractall(directory, filter="data")
                while packed.read(_PIECE):
                    pass
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise DataError(
                f'Failed to extract model data archive from URL "{self.url}". Please ensure that the object '
                f"located at the URL is a valid tar.gz archive ({error})."
            ) from None


class _Stream(io.RawIOBase):
    """What tarfile reads from."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1, /) -> bytes:
        return bytes(self._body.read(None if size < 0 else size))


def _write(body: Any, target: Path) -> None:
    with target.open("wb") as file:
        while piece := body.read(_PIECE):
            file.write(piece)
