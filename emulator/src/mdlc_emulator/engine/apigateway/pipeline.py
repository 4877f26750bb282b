"""What a request to a deployed API passes, in order, and what answers when a step fails."""

import logging
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from typing import Any

from localstack.services.apigateway.next_gen.execute_api import handlers
from localstack.services.apigateway.next_gen.execute_api.context import (
    EndpointResponse,
    RestApiInvocationContext,
)
from localstack.services.apigateway.next_gen.execute_api.gateway import RestApiGateway
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    AccessDeniedError,
    BaseGatewayException,
    IntegrationTimeoutError,
    InternalServerError,
    get_gateway_response_or_default,
)
from localstack.services.apigateway.next_gen.execute_api.integrations import REST_API_INTEGRATIONS
from rolo import Response

from mdlc_emulator.engine.apigateway.context import Parse, refuse_too_large
from mdlc_emulator.engine.apigateway.proxy import IntegrationRequest, LambdaProxy
from mdlc_emulator.engine.apigateway.templates import headers_of, rendered

LOG = logging.getLogger(__name__)

LONGEST_INTEGRATION = 29_000
"""Milliseconds that an integration may take unless it asks for less."""

_JSON = "application/json"


class Integrate:
    """Request handler: calls the integration, for as long as it may take."""

    def __init__(self) -> None:
        self._integrations = {**REST_API_INTEGRATIONS, LambdaProxy.name: LambdaProxy()}
        self._threads = ThreadPoolExecutor(256, "apigateway")

    def __call__(self, chain: Any, context: RestApiInvocationContext, response: Any) -> None:
        assert context.integration is not None
        kind = str(context.integration["type"])
        integration = self._integrations[kind]
        answer: EndpointResponse
        if kind == "MOCK":
            answer = integration.invoke(context)
        else:
            milliseconds = context.integration.get("timeoutInMillis") or LONGEST_INTEGRATION
            try:
                answer = self._threads.submit(integration.invoke, context).result(int(milliseconds) / 1000)
            except LateError:
                raise IntegrationTimeoutError("Endpoint request timed out") from None
        context.endpoint_response = answer
        if "PROXY" in kind:
            context.invocation_response = answer


class GatewayResponses:
    """Exception handler: the API's gateway responses, with their headers and templates."""

    def __call__(
        self, chain: Any, exception: Exception, context: RestApiInvocationContext, response: Response
    ) -> None:
        if not isinstance(exception, BaseGatewayException):
            LOG.error("API %s failed to answer a request", context.api_id, exc_info=exception)
            exception = InternalServerError("Internal server error")
        handlers.gateway_exception_handler.set_error_context(exception, context)
        response.update_from(self._response(exception, context))

    def _response(self, exception: BaseGatewayException, context: RestApiInvocationContext) -> Response:
        assert context.deployment is not None
        wanted: Any = get_gateway_response_or_default(
            exception.type, context.deployment.rest_api.gateway_responses
        )
        variables: Any = context.context_variables or {}
        stage = context.stage_variables or {}
        request: Any = context.invocation_request or {}
        templates = wanted.get("responseTemplates") or {}
        kind = _JSON if _JSON in templates or not templates else next(iter(templates))
        template = templates.get(kind) or '{"message":$context.error.messageString}'
        if isinstance(exception, AccessDeniedError) and wanted.get("defaultResponse"):
            template = '{"Message":$context.error.messageString}'
        headers = {"Content-Type": kind, "x-amzn-ErrorType": exception.code}
        headers |= headers_of(
            wanted.get("responseParameters") or {},
            context=variables,
            stage=stage,
            header=request.get("headers", {}),
            querystring=request.get("query_string_parameters", {}),
            path=request.get("path_parameters") or {},
        )
        status = int(wanted.get("statusCode") or exception.status_code or 500)
        return Response(rendered(template, variables, stage), status, headers)


def enrich(chain: Any, context: RestApiInvocationContext, response: Response) -> None:
    """Response handler: the ids of the request."""
    variables = context.context_variables
    if variables is None:
        return
    response.headers["x-amzn-RequestId"] = variables["requestId"]
    response.headers["x-amz-apigw-id"] = variables["extendedRequestId"]
    kind = context.integration["type"] if context.integration else "MOCK"
    if kind not in ("MOCK", "HTTP_PROXY") and not variables.get("error"):
        response.headers["X-Amzn-Trace-Id"] = context.trace_id


class Pipeline(RestApiGateway):
    """LocalStack's gateway of a REST API with this order of handlers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.request_handlers[:] = [
            Parse(),
            refuse_too_large,
            handlers.modify_request,
            handlers.route_request,
            handlers.preprocess_request,
            handlers.api_key_validation_handler,
            handlers.method_request_handler,
            IntegrationRequest(),  # type: ignore[no-untyped-call]
            Integrate(),
            handlers.integration_response_handler,
            handlers.method_response_handler,
        ]
        self.exception_handlers[:] = [GatewayResponses()]
        self.response_handlers[:] = [enrich]
