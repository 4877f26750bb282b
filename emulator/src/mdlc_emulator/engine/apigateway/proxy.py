"""The Lambda proxy integration: request in, function's output out, both exactly in AWS's form."""

import base64
import json
import logging

from botocore.exceptions import ClientError
from localstack.services.apigateway.next_gen.execute_api.context import (
    EndpointResponse,
    RestApiInvocationContext,
)
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    IntegrationFailureError,
    InternalServerError,
    RequestTooLargeError,
)
from localstack.services.apigateway.next_gen.execute_api.handlers.integration_request import (
    IntegrationRequestHandler,
)
from localstack.services.apigateway.next_gen.execute_api.helpers import (
    get_lambda_function_arn_from_invocation_uri,
    get_source_arn,
    render_uri_with_stage_variables,
)
from localstack.services.apigateway.next_gen.execute_api.integrations.aws import (
    LambdaInputEvent,
    RestApiAwsProxyIntegration,
)
from rolo import Request
from werkzeug.datastructures import Headers

from mdlc_emulator.engine.apigateway.lambda_output import MalformedOutputError, Output, parse
from mdlc_emulator.engine.apigateway.media import is_binary

LOG = logging.getLogger(__name__)


class IntegrationRequest(IntegrationRequestHandler):
    """LocalStack's handler with the forwarding headers as AWS sets them."""

    @staticmethod
    def _set_proxy_headers(headers: Headers, request: Request) -> None:
        came_by = [headers.get("X-Forwarded-For"), request.remote_addr]
        headers.set("X-Forwarded-For", ", ".join(address for address in came_by if address))
        headers.set("X-Forwarded-Port", request.environ.get("SERVER_PORT", ""))
        headers.set("X-Forwarded-Proto", request.scheme)


class LambdaProxy(RestApiAwsProxyIntegration):
    """`AWS_PROXY`. LocalStack invokes; event and output are made and read here."""

    def create_lambda_input_event(self, context: RestApiInvocationContext) -> LambdaInputEvent:
        event = super().create_lambda_input_event(context)
        assert context.integration_request is not None
        assert context.invocation_request is not None
        body = context.integration_request["body"]
        kind = context.invocation_request["headers"].get("Content-Type")
        event["isBase64Encoded"] = bool(body) and is_binary(kind, _binary_types(context))
        if body:
            text = base64.b64encode(body) if event["isBase64Encoded"] else body
            event["body"] = text.decode(errors="replace")
        return event

    def invoke(self, context: RestApiInvocationContext) -> EndpointResponse:
        assert context.integration_request is not None
        assert context.invocation_request is not None
        if context.integration_request["http_method"] != "POST":
            raise IntegrationFailureError("Internal server error")
        output = self._output(context)
        accepted = is_binary(context.invocation_request["headers"].get("Accept"), _binary_types(context))
        try:
            body = output.content(binary=accepted)
        except MalformedOutputError as error:
            raise _malformed(context, error) from error
        headers = Headers(output.headers)
        headers.setdefault("Content-Type", "application/json")
        return EndpointResponse(headers=headers, body=body, status_code=output.status)

    def _output(self, context: RestApiInvocationContext) -> Output:
        assert context.integration_request is not None
        assert context.integration is not None
        credentials = render_uri_with_stage_variables(
            context.integration.get("credentials"), context.stage_variables
        )
        try:
            payload = self.call_lambda(
                function_arn=get_lambda_function_arn_from_invocation_uri(context.integration_request["uri"]),
                event=json.dumps(self.create_lambda_input_event(context)).encode(),
                source_arn=get_source_arn(context),
                credentials=credentials,  # type: ignore[arg-type]
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            LOG.warning("API %s cannot call its function: %s", context.api_id, error)
            if code == "RequestTooLargeException":
                raise RequestTooLargeError("Request Too Long") from error
            status = 500 if code == "AccessDeniedException" else 502
            raise IntegrationFailureError("Internal server error", status_code=status) from error
        try:
            return parse(payload)
        except MalformedOutputError as error:
            raise _malformed(context, error) from error


def _malformed(context: RestApiInvocationContext, error: MalformedOutputError) -> InternalServerError:
    LOG.warning("API %s: malformed Lambda proxy response: %s", context.api_id, error)
    return InternalServerError("Internal server error", status_code=502)


def _binary_types(context: RestApiInvocationContext) -> list[str]:
    assert context.deployment is not None
    return context.deployment.rest_api.rest_api.get("binaryMediaTypes") or []
