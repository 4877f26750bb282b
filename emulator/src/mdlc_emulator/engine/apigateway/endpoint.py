"""Where requests to deployed APIs arrive: by host `<api>.execute-api.<...>` or path
`/_aws/execute-api/<api>/`."""

from typing import Any

from localstack.http import Response
from localstack.services.apigateway.next_gen.execute_api.context import RestApiInvocationContext
from localstack.services.apigateway.next_gen.execute_api.helpers import get_source_arn
from localstack.services.apigateway.next_gen.execute_api.router import ApiGatewayEndpoint
from rolo import Request

from mdlc_emulator.engine.apigateway.pipeline import Pipeline
from mdlc_emulator.engine.fidelity.recorder import count_executed


class Endpoint(ApiGatewayEndpoint):
    """LocalStack's endpoint on our pipeline; what it answers is counted as `execute-api:Invoke`."""

    def __init__(self, store: Any = None) -> None:
        super().__init__(Pipeline(), store)

    def __call__(self, request: Request, **route: Any) -> Response:
        api_id, stage = str(route.get("api_id", "")).lower(), route.get("stage")
        if not self.is_rest_api(api_id, str(stage)):
            return self._refuse(api_id)
        context, response = self.prepare_rest_api_invocation(request, api_id, str(stage))
        self.rest_gateway.process_with_context(context, response)
        self._count(context, response)
        return response

    def _refuse(self, api_id: str) -> Response:
        """AWS knows neither the stage nor, but for its host name, the API: both are Forbidden."""
        if api_id not in self._global_store.active_deployments:
            return self.create_not_found_response(api_id)
        response = Response(status=403, headers={"x-amzn-ErrorType": "ForbiddenException"})
        response.set_json({"message": "Forbidden"})
        return response

    @staticmethod
    def _count(context: RestApiInvocationContext, response: Response) -> None:
        resource = f"{context.api_id}/{context.stage}"
        if context.resource is not None and context.resource_method is not None:
            resource = get_source_arn(context)
        error = str(response.status_code) if response.status_code >= 500 else None
        count_executed(
            "execute-api",
            "Invoke",
            resource,
            account=context.account_id or "",
            region=context.region or "",
            error=error,
        )
