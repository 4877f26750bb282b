"""Objects of S3 copied inside this process: what a client would do over HTTP, signed and checksummed, over
a socket to ourselves, costs some ten times the copy.

It calls LocalStack's provider as the gateway does, so that versions, encryption settings and notifications
are those of any other call; only the ledger does not count these.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, BinaryIO

from mdlc_emulator.engine.aws_error import Caller

CHUNK = 1 << 20


def read(caller: Caller, bucket: str, key: str, take: Callable[[bytes], object]) -> None:
    """Pass the object to `take` in pieces. LocalStack's ServiceException, as GetObject answers it."""
    wanted = {"Bucket": bucket, "Key": key}
    body = _provider().get_object(_context(caller, "GetObject", wanted), wanted)["Body"]
    try:
        while piece := body.read(CHUNK):
            take(piece)
    finally:
        body.close()  # until then nobody can write the object


def write(caller: Caller, bucket: str, key: str, file: BinaryIO) -> None:
    """Store the rest of the file. LocalStack's ServiceException, as PutObject answers it."""
    wanted = {"Bucket": bucket, "Key": key, "Body": file}
    _provider().put_object(_context(caller, "PutObject", wanted), wanted)


def _provider() -> Any:
    from localstack.services.plugins import SERVICE_PLUGINS

    return SERVICE_PLUGINS.require("s3")._provider


def _context(caller: Caller, operation: str, wanted: Any) -> Any:
    from localstack.aws.api import RequestContext
    from localstack.http import Request

    context = RequestContext(Request(method="POST", headers={}))
    context.service, context.operation = _model(operation)
    context.account_id, context.region = caller.account, caller.region
    context.service_request = wanted
    return context


@functools.cache
def _model(operation: str) -> tuple[Any, Any]:
    from localstack.aws.spec import load_service

    service = load_service("s3")
    return service, service.operation_model(operation)
