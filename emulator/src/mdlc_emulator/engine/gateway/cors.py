"""Cross-origin rules: LocalStack's own for its AWS APIs, none of ours for what users deploy.

A page of a foreign origin must not drive the AWS API of a developer's machine, so LocalStack's check stays
there. A deployed API or function URL answers for itself, whatever the origin: what its owner configured is
all that a browser sees.
"""

from typing import Any

from localstack.aws import handlers
from localstack.aws.api import RequestContext
from localstack.aws.handlers.cors import is_execute_api_call
from rolo.gateway import HandlerChain


def refuse_foreign_pages(chain: HandlerChain[Any], context: RequestContext, response: Any) -> None:
    """Request handler: LocalStack's check of origins and its preflight answer, except for deployed
    endpoints."""
    headers = context.request.headers
    if "Origin" not in headers and "Referer" not in headers and context.request.method != "OPTIONS":
        return
    if not _is_deployed(context):
        handlers.enforce_cors(chain, context, response)


def add_response_headers(chain: HandlerChain[Any], context: RequestContext, response: Any) -> None:
    """Response handler: CORS headers for pages that may use the AWS API, except for deployed endpoints."""
    if "Origin" in context.request.headers and not _is_deployed(context):
        handlers.add_cors_response_headers(chain, context, response)


def _is_deployed(context: RequestContext) -> bool:
    return ".lambda-url." in context.request.host or is_execute_api_call(context)
