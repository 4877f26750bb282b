"""How our HTTP routes answer: JSON, CORS as the stage declares it, errors as RFC 9457 problems."""

import functools
import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from chalice.app import Blueprint, CORSConfig, Response

from app.compiled import StaleLifecycleError
from app.resources import AccessError, MissingResourcesError

PROBLEM = "application/problem+json"
REQUEST_ID = "X-Request-Id"


class NotFoundError(Exception):
    """What the path names does not exist; the message says so to the caller."""


_STATUS: dict[type[Exception], HTTPStatus] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    MissingResourcesError: HTTPStatus.SERVICE_UNAVAILABLE,
    StaleLifecycleError: HTTPStatus.SERVICE_UNAVAILABLE,
    AccessError: HTTPStatus.BAD_GATEWAY,
}


def cors() -> CORSConfig | None:
    """CORS for the origin that the stage declares in MDLC_CORS_ORIGIN (.chalice/config.json); none without
    it."""
    origin = os.environ.get("MDLC_CORS_ORIGIN")
    return CORSConfig(allow_origin=origin, expose_headers=[REQUEST_ID], max_age=600) if origin else None


class Api(Blueprint):
    """A blueprint whose routes tell the errors we know as problems."""

    def get(self, path: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
        """Register a view for GET `path`."""

        def register(view: Callable[..., object]) -> Callable[..., object]:
            answering = _answering(view)
            self.route(path, methods=["GET"], cors=cors())(answering)
            return answering

        return register


def _answering(view: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(view)
    def answer(**arguments: str) -> object:
        try:
            return view(**arguments)
        except tuple(_STATUS) as error:
            return problem(_STATUS[type(error)], str(error))

    return answer


def problem(status: HTTPStatus, detail: str) -> Response:
    """A problem's details; the middleware adds instance and request id."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return Response(body=body, status_code=status.value, headers={"Content-Type": PROBLEM})


def as_problem(response: Response) -> Response:
    """Chalice's own errors (`{"Code", "Message"}`) as problems; any other response as it is."""
    body: Any = response.body
    if (
        response.status_code >= HTTPStatus.BAD_REQUEST
        and isinstance(body, dict)
        and body.keys() == {"Code", "Message"}
    ):
        told = problem(HTTPStatus(response.status_code), str(body["Message"]))
        told.headers = {**response.headers, **told.headers}
        return told
    return response
