"""Lambda's quotas that the API itself enforces, each as one constant and one check.

Source of the figures: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. The response
limit (6 MB) is enforced by the runtime, which alone sees a response.
"""

import base64
import io
import zipfile

from localstack.aws.api import CommonServiceException
from localstack.aws.api.lambda_ import InvalidParameterValueException, RequestTooLargeException

KIB = 1024
MIB = 1024 * KIB

SYNC_PAYLOAD_LIMIT = 6 * MIB
"""Bytes of an Invoke request that is answered at once."""

ASYNC_PAYLOAD_LIMIT = 1 * MIB
"""Bytes of an Invoke request of type Event. It was 256 KB until October 2025, when AWS raised it to 1 MB."""

LOG_TAIL_BYTES = 4 * KIB
"""What LogType=Tail returns, before base64."""

ZIPPED_LIMIT = 50 * MIB
"""Bytes of a deployment package sent inside a request (packages from S3 have no such limit)."""

UNZIPPED_LIMIT = 250 * MIB
"""Bytes of a function's code and all its layers together, unpacked."""

CREATE_REQUEST_LIMIT = 70_167_211
"""Bytes of a CreateFunction request: the zip in base64, and room for the settings."""

UPDATE_REQUEST_LIMIT = 69_905_067
"""Bytes of an UpdateFunctionCode or PublishLayerVersion request: the zip in base64."""


class RequestEntityTooLarge(CommonServiceException):
    """The control plane's 413: the request carries too large a deployment package."""

    def __init__(self, message: str) -> None:
        super().__init__("RequestEntityTooLargeException", message, status_code=413, sender_fault=True)


def check_payload(size: int, invocation_type: str) -> None:
    """Refuse an Invoke payload of `size` bytes that its invocation type does not carry."""
    limit = ASYNC_PAYLOAD_LIMIT if invocation_type == "Event" else SYNC_PAYLOAD_LIMIT
    if size > limit:
        raise RequestTooLargeException(
            f"{size} byte payload is too large for the {invocation_type} invocation type "
            f"(limit {limit} bytes)",
            Type="User",
        )


def check_upload(archive: bytes | None, request_bytes: int, operation: str) -> None:
    """Refuse a deployment package that is too large to be sent inside a request of `request_bytes` bytes."""
    limit = CREATE_REQUEST_LIMIT if operation == "CreateFunction" else UPDATE_REQUEST_LIMIT
    if request_bytes > limit:
        raise RequestEntityTooLarge(
            f"Request must be smaller than {limit} bytes for the {operation} operation"
        )
    if archive and len(archive) > ZIPPED_LIMIT:
        raise RequestEntityTooLarge(f"Zipped size must be smaller than {ZIPPED_LIMIT} bytes")


def unzipped_size(archive: bytes) -> int:
    """Bytes of all files in a zip archive; an InvalidParameterValueException when it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return sum(entry.file_size for entry in opened.infolist())
    except zipfile.BadZipFile:
        raise InvalidParameterValueException(
            "Could not unzip uploaded file. Please check your file, then try to upload again.", Type="User"
        ) from None


def check_unzipped(size: int) -> None:
    """Refuse a single archive whose files are too large."""
    if size >= UNZIPPED_LIMIT:
        raise InvalidParameterValueException(
            f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes", Type="User"
        )


def check_with_layers(code_size: int, layer_sizes: list[int]) -> None:
    """Refuse a function whose code and layers are too large together (unpacked bytes)."""
    total = code_size + sum(layer_sizes)
    if total > UNZIPPED_LIMIT:
        raise InvalidParameterValueException(
            "Function code combined with layers exceeds the maximum allowed size of "
            f"{UNZIPPED_LIMIT} bytes. The actual size is {total} bytes.",
            Type="User",
        )


def tail(logs: str) -> str:
    """The last 4 KB of `logs`, in base64."""
    # A carriage return breaks lines within one log event.
    return base64.b64encode(logs.replace("\r", "\n").encode()[-LOG_TAIL_BYTES:]).decode()
