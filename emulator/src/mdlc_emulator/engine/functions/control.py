"""The one place that puts Lambda together: provider, invocation service, front handler, internal clients."""

import logging

from localstack.http import Response
from localstack.services.edge import ROUTER
from localstack.services.plugins import Service
from rolo import Request

from mdlc_emulator.engine.functions import (
    control_code,
    control_provider,
    control_upload,
    invocation_clients,
    invocation_service,
)
from mdlc_emulator.engine.functions.invocation_front import InvokeFront
from mdlc_emulator.engine.functions.invocation_service import InvocationService
from mdlc_emulator.engine.gateway import front


def lambda_service() -> Service:
    """Lambda as LocalStack's plugin manager wants it. Called once, when something first uses Lambda."""
    control_provider.install()
    control_upload.install()
    logging.getLogger("localstack.services.lambda_.provider").addFilter(_Outdated())
    provider = control_provider.Provider()

    def current() -> InvocationService:
        return provider.lambda_service

    invocation_service.install(current)
    invocation_clients.install(current)
    front.register(InvokeFront(current))
    ROUTER.add(f"{control_code.ROUTE}/<identifier>", _archive)  # type: ignore[arg-type]
    return Service.for_provider(provider)


class _Outdated(logging.Filter):
    """LocalStack's warnings of what it lacks and this engine has."""

    _WARNINGS = (
        "Advanced Lambda Logging Configuration is currently mocked",
        "Partial update of provisioned concurrency config is currently not supported",
    )

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(self._WARNINGS)


def _archive(request: Request, identifier: str) -> Response:
    content = control_code.read_archive(identifier)
    if content is None:
        return Response(status=404)
    return Response(content, content_type="application/zip")
