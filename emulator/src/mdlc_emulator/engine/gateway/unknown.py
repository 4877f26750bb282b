"""Failures that LocalStack tells in words of its own insides, told as what they are and with the way out.

Requests for operations that the engine's model of a service does not have (newer than it, or misspelt) are
answered as unsupported, in the service's own protocol, and counted so. A full disk is said to be one.
"""

import errno
import tempfile
from typing import Any

from botocore.model import OperationNotFoundError
from localstack.aws import handlers, skeleton
from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.handlers import service as service_handlers
from localstack.aws.protocol.parser import OperationNotFoundParserError, UnknownParserError
from localstack.aws.protocol.serializer import create_serializer
from rolo.gateway import HandlerChain

from mdlc_emulator.engine.fidelity.recorder import UNSUPPORTED_CODE, count_unknown, has

_LICENCE_WORDS = "get_service_availability_exception"
_LONGEST_NAME = 80
_WAY_OUT = "Nothing was changed; GET /_mdlc/fidelity/classes lists what there is."


class UnavailableError(CommonServiceException):
    """What a client is told of a service or operation that nobody implements."""

    error_code = 0
    """LocalStack counts its own by number."""

    def __init__(self, service: str, operation: str | None, *_: Any) -> None:
        known = operation and has(service)
        missing = f"operation {service}:{operation}" if known else f"service {service}"
        super().__init__(UNSUPPORTED_CODE, f"The emulator does not have the {missing}. {_WAY_OUT}", 501)


class DiskFullError(CommonServiceException):
    """What a client is told when the emulator has no room left for its files."""

    error_code = 0

    def __init__(self) -> None:
        super().__init__(
            "InsufficientStorage",
            f"The disk of the emulator's files is full ({tempfile.gettempdir()}): free space there, "
            "or start the emulator with TMPDIR on a larger one.",
            507,
        )


def install() -> None:
    """Answer in this emulator's words where LocalStack speaks of its licences."""
    for module in (skeleton, service_handlers):
        if not hasattr(module, _LICENCE_WORDS):
            raise RuntimeError(
                f"{module.__name__}.{_LICENCE_WORDS} is gone: this is not the locked LocalStack"
            )
        setattr(module, _LICENCE_WORDS, UnavailableError)


def answer_exception(
    chain: HandlerChain[Any], exception: Exception, context: RequestContext, response: Any
) -> None:
    """Exception handler: LocalStack's own, but for unknown operations."""
    service = context.service
    if isinstance(exception, OSError) and exception.errno in (errno.ENOSPC, errno.EDQUOT):
        exception = DiskFullError()
    if service is None or not _is_unknown(exception):
        handlers.handle_service_exception(chain, exception, context, response)
        return
    name = _name(context)
    error = UnavailableError(service.service_name, name)
    context.service_exception = error
    any_operation = service.operation_model(service.operation_names[0])
    serializer = create_serializer(service, context.protocol)
    response.update_from(
        serializer.serialize_error_to_response(
            error, any_operation, context.request.headers, context.request_id
        )
    )
    count_unknown(service.service_name, name, context)


def _is_unknown(exception: Exception) -> bool:
    """Two of LocalStack's parsers say so, the one for JSON only by the cause of its error."""
    return isinstance(exception, OperationNotFoundParserError) or (
        isinstance(exception, UnknownParserError) and isinstance(exception.__cause__, OperationNotFoundError)
    )


def _name(context: RequestContext) -> str:
    """The operation as the request names it; of a REST request its method, since its path would name
    resources."""
    request = context.request
    target = request.headers.get("X-Amz-Target") or ""
    name = target.rpartition(".")[2] or request.values.get("Action") or f"{request.method} request"
    return str(name)[:_LONGEST_NAME]
