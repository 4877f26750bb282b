"""Requests for operations that the engine's model of a service does not have: newer than it, or misspelt.

LocalStack answers them with 500 and the words of its parser. Here they are answered as unsupported, in the
service's own protocol, and counted so.
"""

from typing import Any

from botocore.model import OperationNotFoundError
from localstack.aws import handlers
from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.protocol.parser import OperationNotFoundParserError, UnknownParserError
from localstack.aws.protocol.serializer import create_serializer
from rolo.gateway import HandlerChain

from mdlc_emulator.engine.fidelity.recorder import UNSUPPORTED_CODE, count_unknown

_LONGEST_NAME = 80


def answer_exception(
    chain: HandlerChain[Any], exception: Exception, context: RequestContext, response: Any
) -> None:
    """Exception handler: LocalStack's own, but for unknown operations."""
    service = context.service
    if service is None or not _is_unknown(exception):
        handlers.handle_service_exception(chain, exception, context, response)
        return
    name = _name(context)
    error = CommonServiceException(
        UNSUPPORTED_CODE,
        f"The emulator does not know the operation {name} of {service.service_name}; it has changed nothing.",
        status_code=501,
    )
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
