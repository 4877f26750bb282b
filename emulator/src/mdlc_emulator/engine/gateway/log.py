"""The request log: a line for each call, made only when somebody wants it."""

import logging
from typing import Any

from localstack.aws import handlers
from localstack.aws.api import RequestContext
from rolo.gateway import HandlerChain
from rolo.response import Response

_AWS = logging.getLogger("localstack.request.aws")
_HTTP = logging.getLogger("localstack.request.http")


def log_call(chain: HandlerChain[Any], context: RequestContext, response: Response) -> None:
    """Response handler. With DEBUG on LocalStack's own log, which shows bodies too."""
    if _AWS.isEnabledFor(logging.DEBUG):
        handlers.log_response(chain, context, response)  # type: ignore[arg-type]
        return
    if context.is_internal_call:
        return
    if context.operation is not None and context.service is not None:
        if response.status_code >= 400:
            code = getattr(context.service_exception, "code", "")
            _AWS.info(
                "AWS %s.%s => %d (%s)",
                context.service.service_name,
                context.operation.name,
                response.status_code,
                code,
            )
        elif _AWS.isEnabledFor(logging.INFO):
            _AWS.info(
                "AWS %s.%s => %d", context.service.service_name, context.operation.name, response.status_code
            )
    elif not context.request.path.startswith("/_"):
        _HTTP.info("%s %s => %d", context.request.method, context.request.path, response.status_code)
