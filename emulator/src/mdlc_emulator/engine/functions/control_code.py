"""Deployment packages, stored once by content: the same zip for eight functions is kept and unpacked once.

LocalStack uploads every archive to its own S3, downloads it again to unpack it, and does so for each
function. Here an archive is a file named by its digest below the emulator's temporary directory, removed
when no function version and no layer refers to it any more. Unpacking it is the runtime's affair
(code_store.py).
"""

import base64
import dataclasses
import hashlib
import io
import logging
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO

from localstack import config
from localstack.aws.api.lambda_ import InvalidParameterValueException
from localstack.aws.connect import connect_to
from localstack.services.lambda_.invocation.lambda_models import ArchiveCode, S3Code
from localstack.services.lambda_.invocation.lambda_service import create_hot_reloading_code
from localstack.services.lambda_.invocation.models import lambda_stores

from mdlc_emulator.engine.functions.archives import check_archive
from mdlc_emulator.engine.functions.limits_api import check_unzipped, check_with_layers, unzipped_size

LOG = logging.getLogger(__name__)
ROUTE = "/_aws/lambda/code"
"""Where `Code.Location` of GetFunction points to."""
_LOCK = threading.RLock()
_PINNED: Counter[str] = Counter()
"""Archives that a call under way has stored and no function refers to yet."""
_SIZES: dict[str, int] = {}
"""Bytes that each archive of the store unpacks to."""
_STORED_HERE: ContextVar[list[str] | None] = ContextVar("stored", default=None)
_LAYER_SIZES: ContextVar[list[int]] = ContextVar("layer_sizes", default=[])  # noqa: B039 - never changed


def _root() -> Path:
    return Path(tempfile.gettempdir()) / "lambda" / "archives"


@dataclasses.dataclass(frozen=True)
class SharedCode(S3Code):
    """An archive in the store. `id` is the hexadecimal SHA-256 of the zip."""

    unzipped_size: int = 0
    """Bytes of all files in it."""

    @property
    def archive(self) -> Path:
        return _root() / f"{self.id}.zip"

    def _download_archive_to_file(self, target_file: IO[bytes]) -> None:
        with self.archive.open("rb") as stored:
            shutil.copyfileobj(stored, target_file)
        target_file.flush()

    def generate_presigned_url(self, endpoint_url: str) -> str:
        return f"{endpoint_url.rstrip('/')}{ROUTE}/{self.id}"

    def destroy_cached(self) -> None:
        """Nothing is cached here."""

    def destroy(self) -> None:
        """Remove the archive unless something still refers to it."""
        with _LOCK:
            _remove_unless_used(self.id)


def _remove_unless_used(identifier: str) -> None:
    if _PINNED[identifier] <= 0 and not _in_use(identifier):
        (_root() / f"{identifier}.zip").unlink(missing_ok=True)
        _SIZES.pop(identifier, None)
        del _PINNED[identifier]


def clear() -> None:
    """Remove every archive."""
    with _LOCK:
        shutil.rmtree(_root(), ignore_errors=True)
        _SIZES.clear()


def _in_use(identifier: str) -> bool:
    for _, _, store in lambda_stores.iter_stores():
        for function in list(store.functions.values()):
            for version in list(function.versions.values()):
                used = [version.config.code, *(layer.code for layer in version.config.layers)]
                if any(getattr(other, "id", None) == identifier for other in used):
                    return True
        for layer in list(store.layers.values()):
            for layer_version in list(layer.layer_versions.values()):
                if getattr(layer_version.code, "id", None) == identifier:
                    return True
    return False


@contextmanager
def kept() -> Iterator[None]:
    """While this lasts, what the block stores is not removed, whoever else stops using it. What nothing
    uses in the end (a call that failed, a dry run) is removed."""
    mine: list[str] = []
    token = _STORED_HERE.set(mine)
    try:
        yield
    finally:
        _STORED_HERE.reset(token)
        with _LOCK:
            _PINNED.subtract(mine)
            for identifier in mine:
                _remove_unless_used(identifier)


@contextmanager
def beside(layer_sizes: list[int]) -> Iterator[None]:
    """While this lasts, what the block stores must fit beside layers of these sizes (bytes, unpacked)."""
    token = _LAYER_SIZES.set(layer_sizes)
    try:
        yield
    finally:
        _LAYER_SIZES.reset(token)


class StoredArchive(bytes):
    """The content of an archive that is in the store already."""

    size: int
    """Bytes of all files in it."""


def stored(identifier: str) -> StoredArchive | None:
    """The archive with this SHA-256 (hexadecimal) if the store has it and has looked into it."""
    content = read_archive(identifier)
    size = _SIZES.get(identifier)
    if content is None or size is None:
        return None
    archive = StoredArchive(content)
    archive.size = size
    return archive


def store_archive(archive_file: bytes, function_name: str, region_name: str, account_id: str) -> SharedCode:
    """Put a zip into the store; an InvalidParameterValueException when it is none or unpacks to too much."""
    if isinstance(archive_file, StoredArchive):
        size = archive_file.size
    else:
        size = unzipped_size(archive_file)
        check_unzipped(size)
        if reason := check_archive(io.BytesIO(archive_file)):
            raise InvalidParameterValueException(reason, Type="User")
    check_with_layers(size, _LAYER_SIZES.get())
    digest = hashlib.sha256(archive_file)
    code = SharedCode(
        id=digest.hexdigest(),
        account_id=account_id,
        s3_bucket=f"awslambda-{region_name}-tasks",
        s3_key=f"snapshots/{account_id}/{function_name}-{digest.hexdigest()}",
        s3_object_version=None,
        code_sha256=base64.b64encode(digest.digest()).decode(),
        code_size=len(archive_file),
        unzipped_size=size,
    )
    with _LOCK:
        mine = _STORED_HERE.get()
        if mine is not None:
            mine.append(code.id)
            _PINNED[code.id] += 1
        if not code.archive.exists():
            code.archive.parent.mkdir(parents=True, exist_ok=True)
            partial = code.archive.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
            partial.write_bytes(archive_file)
            partial.rename(code.archive)
        _SIZES[code.id] = size
    return code


def store_from_s3(
    archive_bucket: str,
    archive_key: str,
    archive_version: str | None,
    function_name: str,
    region_name: str,
    account_id: str,
) -> ArchiveCode:
    """Put a zip that lies in S3 into the store. The bucket `hot-reload` names a directory of this machine."""
    if archive_bucket == config.BUCKET_MARKER_LOCAL:
        return create_hot_reloading_code(path=archive_key)
    client = connect_to(aws_access_key_id=account_id, region_name=region_name).s3
    version = {"VersionId": archive_version} if archive_version else {}
    try:
        archive = client.get_object(Bucket=archive_bucket, Key=archive_key, **version)["Body"].read()
    except client.exceptions.ClientError as error:
        detail = error.response["Error"]
        raise InvalidParameterValueException(
            f"Error occurred while GetObject. S3 Error Code: {detail['Code']}. "
            f"S3 Error Message: {detail['Message']}",
            Type="User",
        ) from None
    return store_archive(archive, function_name, region_name, account_id)


def read_archive(identifier: str) -> bytes | None:
    """The zip with this digest, for whoever follows `Code.Location`."""
    if not identifier.isalnum():
        return None
    try:
        return (_root() / f"{identifier}.zip").read_bytes()
    except FileNotFoundError:
        return None
