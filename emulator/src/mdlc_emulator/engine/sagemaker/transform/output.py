"""The object that a file's answers become: written in parts while they come, or not at all."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from mdlc_emulator.engine.sagemaker.data.s3 import Place

PART = 8 * 1024 * 1024
"""Bytes of a part of a multipart upload; 5 MiB at least:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
AHEAD = 2


class Output:
    """`write` in order, then `commit`; or `abort`, and nothing of it is in S3."""

    def __init__(self, s3: Any, place: Place, kms_key: str | None) -> None:
        self._s3, self._place = s3, place
        self._options = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        self._pieces: list[bytes | bytearray] = []
        self._size = 0
        self._upload: str | None = None
        self._parts: list[Future[dict[str, Any]]] = []
        self._threads: ThreadPoolExecutor | None = None

    def write(self, data: bytes | bytearray) -> None:
        """Append; blocks while more than a few parts are on their way."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= PART:
            self._send()

    def commit(self) -> None:
        """All is written: make it the object."""
        if self._upload is None:
            self._s3.put_object(
                Bucket=self._place.bucket, Key=self._place.key, Body=b"".join(self._pieces), **self._options
            )
            return
        if self._size:
            self._send()
        parts = [part.result() for part in self._parts]
        self._s3.complete_multipart_upload(
            Bucket=self._place.bucket,
            Key=self._place.key,
            UploadId=self._upload,
            MultipartUpload={"Parts": parts},
        )
        self._end()

    def abort(self) -> None:
        """Leave nothing."""
        self._end()
        if self._upload is not None:
            with contextlib.suppress(Exception):
                self._s3.abort_multipart_upload(
                    Bucket=self._place.bucket, Key=self._place.key, UploadId=self._upload
                )

    def _end(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=True)

    def _send(self) -> None:
        if self._upload is None:
            self._threads = ThreadPoolExecutor(1, thread_name_prefix="transform-upload")
            self._upload = self._s3.create_multipart_upload(
                Bucket=self._place.bucket, Key=self._place.key, **self._options
            )["UploadId"]
        assert self._threads is not None
        if len(self._parts) >= AHEAD:
            self._parts[-AHEAD].result()
        body = b"".join(self._pieces)
        self._pieces, self._size = [], 0
        self._parts.append(self._threads.submit(self._part, len(self._parts) + 1, body))

    def _part(self, number: int, body: bytes) -> dict[str, Any]:
        answer = self._s3.upload_part(
            Bucket=self._place.bucket,
            Key=self._place.key,
            UploadId=self._upload,
            PartNumber=number,
            Body=body,
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}
