"""Structured logs and request ids. What is logged of a request: its route, method, status and time; never its
headers, query or body, which may hold secrets."""

import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from chalice.app import Chalice, Request, Response

from app.functions.api import PROBLEM, REQUEST_ID, as_problem

_MS = 1000.0


def install(app: Chalice, logger: Logger) -> None:
    """Add the middleware. To be called before blueprints are registered: Chalice wraps handlers as it meets
    them."""

    @app.middleware("all")
    def logged(event: Any, get_response: Callable[[Any], Any]) -> Any:
        logger.clear_state()
        begun = time.perf_counter()
        logger.append_keys(**_context(event))
        try:
            answer = get_response(event)
        except Exception:
            logger.exception("failed", duration_ms=_since(begun))
            raise
        if isinstance(answer, Response):
            logger.append_keys(status=answer.status_code)
        logger.info("answered", duration_ms=_since(begun))
        return answer

    @app.middleware("http")
    def told(event: Request, get_response: Callable[[Any], Response]) -> Response:
        response = as_problem(get_response(event))
        request_id = _request_id(event)
        response.headers[REQUEST_ID] = request_id
        if response.headers.get("Content-Type") == PROBLEM and isinstance(response.body, dict):
            response.body |= {"instance": event.path, "request_id": request_id}
        return response


def _since(begun: float) -> float:
    return round((time.perf_counter() - begun) * _MS, 2)


def _request_id(request: Request) -> str:
    return str(request.context.get("requestId", ""))


def _context(event: Any) -> dict[str, str]:
    if isinstance(event, Request):
        route = str(event.context.get("resourcePath", ""))
        return {"request_id": _request_id(event), "method": str(event.method), "route": route}
    lambda_context = getattr(event, "context", None)
    return {
        "request_id": str(getattr(lambda_context, "aws_request_id", "")),
        "function": str(getattr(lambda_context, "function_name", "")),
    }
