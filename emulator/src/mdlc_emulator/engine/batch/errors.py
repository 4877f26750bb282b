"""Batch's two errors, in the words of its front end. Pure.

Both shapes are in the service's model; that messages of the validator carry a prefix and the request's id is
seen in what AWS answers, e.g. https://github.com/k1LoW/awspec/issues/563.
"""

from __future__ import annotations

import uuid

from mdlc_emulator.engine.aws_error import AwsError


def client_error(message: str) -> AwsError:
    """A ClientException (HTTP 400) that says `message` and nothing else."""
    return AwsError("ClientException", message)


def invalid(message: str) -> AwsError:
    """A ClientException as Batch's validator words it."""
    return client_error(f"Error executing request, Exception : {message}, RequestId: {uuid.uuid4()}")


def not_here(what: str, way_out: str) -> AwsError:
    """A ClientException for what AWS has and this emulator has not: nothing was changed."""
    return client_error(f"This emulator's Batch has no {what}: {way_out}")
