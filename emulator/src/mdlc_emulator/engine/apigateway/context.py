"""What an API knows of a request before it routes it: body as sent, `$context` complete, nothing too
large."""

import base64
import datetime
import secrets
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.context import (
    InvocationRequest,
    RestApiInvocationContext,
)
from localstack.services.apigateway.next_gen.execute_api.gateway_response import RequestTooLargeError
from localstack.services.apigateway.next_gen.execute_api.handlers.parse import InvocationRequestParser
from localstack.services.apigateway.next_gen.execute_api.variables import ContextVariables
from rolo.request import restore_payload

PAYLOAD_LIMIT = 10 * 1024 * 1024
"""Bytes of a request's body that API Gateway takes."""


class Parse(InvocationRequestParser):
    """LocalStack's parser, which re-encodes form bodies and leaves parts of `$context` empty, made exact."""

    def create_invocation_request(self, context: RestApiInvocationContext) -> InvocationRequest:
        request = context.request
        # Before anybody parses the form: once parsed, the body could only be put together approximately.
        body = request.get_data(cache=True, parse_form_data=False)
        parameters, multi_value = self._get_single_and_multi_values_from_multidict(request.args)
        found = InvocationRequest(
            http_method=request.method,  # type: ignore[typeddict-item]
            query_string_parameters=parameters,
            multi_value_query_string_parameters=multi_value,
            headers=self._get_invocation_headers(request.headers),
            body=body or restore_payload(request),
        )
        self._enrich_with_raw_path(context, found)
        return found

    @staticmethod
    def create_context_variables(context: RestApiInvocationContext) -> ContextVariables:
        variables: Any = InvocationRequestParser.create_context_variables(context)
        now = datetime.datetime.now(datetime.UTC)
        host = variables.get("domainName", "").rpartition("]")[2].partition(":")[0]
        variables.update(
            domainPrefix=host.partition(".")[0],
            extendedRequestId=base64.b64encode(secrets.token_bytes(11)).decode(),
            protocol=context.request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            requestTime=now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            requestTimeEpoch=int(now.timestamp() * 1000),
        )
        variables["identity"]["sourceIp"] = context.request.remote_addr or "127.0.0.1"
        return variables


def refuse_too_large(chain: Any, context: RestApiInvocationContext, response: Any) -> None:
    """Request handler: no body of more than 10 MB."""
    assert context.invocation_request is not None
    if len(context.invocation_request["body"]) > PAYLOAD_LIMIT:
        raise RequestTooLargeError(f"HTTP content length exceeded {PAYLOAD_LIMIT} bytes.")
