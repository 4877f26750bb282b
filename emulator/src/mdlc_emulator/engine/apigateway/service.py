"""The API Gateway service: LocalStack's provider, with deployed APIs served by our endpoint."""

from typing import Any

from localstack.services.apigateway.models import apigateway_stores
from localstack.services.apigateway.next_gen.execute_api.handlers import (
    integration_request,
    integration_response,
)
from localstack.services.apigateway.next_gen.execute_api.integrations import aws
from localstack.services.apigateway.next_gen.execute_api.router import ApiGatewayRouter
from localstack.services.apigateway.next_gen.provider import ApigatewayNextGenProvider
from localstack.services.edge import ROUTER
from localstack.services.moto import MotoFallbackDispatcher
from localstack.services.plugins import Service

from mdlc_emulator.engine.apigateway.endpoint import Endpoint
from mdlc_emulator.engine.apigateway.media import is_binary

_BINARY_RULE = "mime_type_matches_binary_media_types"


def apigateway_service() -> Service:
    """For LocalStack's plugin manager."""
    _use_our_rule_for_binary_bodies()
    provider = ApigatewayNextGenProvider(ApiGatewayRouter(ROUTER, Endpoint(apigateway_stores)))
    return Service.for_provider(provider, dispatch_table_factory=MotoFallbackDispatcher)


def _use_our_rule_for_binary_bodies() -> None:
    """LocalStack leaves `*/*` out; its handlers have the rule by name."""
    modules: list[Any] = [integration_request, integration_response, aws]
    for module in modules:
        if not hasattr(module, _BINARY_RULE):
            raise RuntimeError(
                f"{module.__name__} has no {_BINARY_RULE}: this LocalStack is not the locked one"
            )
        setattr(module, _BINARY_RULE, _is_binary)


def _is_binary(mime_type: str | None, binary_media_types: list[str] | None) -> bool:
    return is_binary(mime_type, binary_media_types)
