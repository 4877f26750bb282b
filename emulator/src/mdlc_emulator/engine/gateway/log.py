"""The request log: a line for each call from outside."""

import functools
import logging
from typing import Any

from localstack.aws import handlers
from localstack.aws.api import RequestContext
from rolo.gateway import HandlerChain
from rolo.response import Response

_AWS = logging.getLogger("localstack.request.aws")
_HTTP = logging.getLogger("localstack.request.http")


def log_call(chain: HandlerChain[Any], context: RequestContext, response: Response) -> None:
    """Response handler: the line is written once the answer is sent. With DEBUG on LocalStack's own log,
    which shows bodies too, and at once."""
    if _AWS.isEnabledFor(logging.DEBUG):
        handlers.log_response(chain, context, response)  # type: ignore[arg-type]
    elif not context.is_internal_call:
        response.call_on_close(functools.partial(_say, context, response))


def _say(context: RequestContext, response: Response) -> None:
    status = response.status_code
    if context.operation is not None and context.service is not None:
        call = f"{context.service.service_name}.{context.operation.name}"
        if status >= 400:
            _AWS.info("AWS %s => %d (%s)", call, status, getattr(context.service_exception, "code", ""))
        else:
            _AWS.info("AWS %s => %d", call, status)
    elif not context.request.path.startswith("/_"):
        _HTTP.info("%s %s => %d", context.request.method, context.request.path, status)
