"""How much an Invoke carries: 6 MB when it waits for the answer, 1 MB when it does not."""

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html")

MIB = 1024 * 1024
SIZE = """
import json

def handler(event, context):
    return len(event)
"""
# The API reference names the first; what comes over the wire from AWS has often been seen to be the second.
TOO_LARGE = {"RequestTooLargeException", "RequestEntityTooLargeException"}


def text(size: int) -> bytes:
    """A JSON string of `size` bytes."""
    return b'"' + b"x" * (size - 2) + b'"'


def test_a_synchronous_payload_may_have_six_megabytes(functions: Functions) -> None:
    name = functions.make(SIZE, MemorySize=512)
    answer = functions.aws.client("lambda").invoke(FunctionName=name, Payload=text(6 * MIB))
    assert answer["Payload"].read() == str(6 * MIB - 2).encode()


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6 * MIB), ("Event", MIB)])
def test_one_byte_more_is_refused(functions: Functions, aws: Aws, kind: str, limit: int) -> None:
    name = functions.make(SIZE)
    with pytest.raises(ClientError) as caught:
        aws.client("lambda").invoke(FunctionName=name, InvocationType=kind, Payload=text(limit + 1))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert caught.value.response["Error"]["Code"] in TOO_LARGE
    assert caught.value.response["Error"]["Message"] == (
        f"{limit + 1} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
    )


def test_an_event_may_have_one_megabyte(functions: Functions, aws: Aws) -> None:
    name = functions.make(SIZE)
    answer = aws.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=text(MIB))
    assert answer["StatusCode"] == 202
