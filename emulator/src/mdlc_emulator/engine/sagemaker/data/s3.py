"""S3 as a job meets it: which objects are below a prefix, and copies of them to and from files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.data import direct
from mdlc_emulator.engine.sagemaker.data.left import files_below, opened
from mdlc_emulator.engine.sagemaker.kernel.checks import split_s3
from mdlc_emulator.engine.sagemaker.kernel.clients import client


class S3Error(Exception):
    """S3 refused. The message is S3's own, as SageMaker passes it on."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket and a key or prefix in it."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> Place:
        """From `s3://bucket/prefix`. ValidationException when it is none."""
        return cls(*split_s3(uri))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def below(self, *parts: str) -> Place:
        """The place of that name under this prefix."""
        joined = "/".join(part.strip("/") for part in parts if part)
        prefix = self.key.rstrip("/")
        return Place(self.bucket, f"{prefix}/{joined}" if prefix else joined)


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its key and size in bytes."""

    key: str
    size: int


class Objects:
    """The objects that one account sees. Every method raises `S3Error` with S3's message."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._s3: Any = client("s3", caller)

    def has_bucket(self, bucket: str) -> bool:
        """Whether the bucket is there."""
        from botocore.exceptions import ClientError

        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError:
            return False
        return True

    def under(self, place: Place) -> Iterator[Found]:
        """All objects whose key begins with the place's, in the order of keys."""
        with _Words():
            for page in self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=place.bucket, Prefix=place.key
            ):
                for each in page.get("Contents", ()):
                    yield Found(each["Key"], each["Size"])

    def any_under(self, place: Place) -> bool:
        """Whether a key begins with the place's."""
        with _Words():
            found = self._s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
        return bool(found.get("Contents"))

    def read(self, place: Place) -> bytes:
        """A small object as a whole."""
        pieces: list[bytes] = []
        with _Words():
            direct.read(self._caller, place.bucket, place.key, pieces.append)
        return b"".join(pieces)

    def download(self, place: Place, to: Path) -> None:
        """Copy the object to the file `to`, whose directory is made."""
        if "\0" in str(to):
            raise S3Error("a key with the character U+0000 cannot be the name of a file")
        to.parent.mkdir(parents=True, exist_ok=True)
        with _Words(), to.open("wb") as file:
            direct.read(self._caller, place.bucket, place.key, file.write)

    def upload(self, source: Path, place: Place, root: Path) -> None:
        """Store the file, which lies in the directory `root`, as an object. OSError when there is none, or
        when it is a link out of that directory."""
        try:
            place.key.encode()
        except UnicodeEncodeError:
            raise S3Error(
                f"the name of the file {os.fsencode(source.name)!r} is not UTF-8, as S3's keys are: rename it"
            ) from None
        with opened(root, source) as file, _Words():
            direct.write(self._caller, place.bucket, place.key, file)

    def upload_tree(self, directory: Path, place: Place) -> int:
        """Store every regular file below the directory under the place; the number of files."""
        number = 0
        for path in files_below(directory):
            self.upload(path, place.below(path.relative_to(directory).as_posix()), directory)
            number += 1
        return number


class _Words:
    """Turns what S3 answers, by botocore or directly, into `S3Error`."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from botocore.exceptions import ClientError
        from localstack.aws.api import ServiceException

        if isinstance(error, ClientError):
            raise S3Error(error.response["Error"]["Message"]) from error
        if isinstance(error, ServiceException):
            raise S3Error(error.message) from error
