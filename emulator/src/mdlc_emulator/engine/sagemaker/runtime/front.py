"""InvokeEndpoint over HTTP without LocalStack's handler chain: head and body in, answer out.

Only the ordinary call is taken: signed in a header, plain body, no browser behind it. Everything else is left
to the chain, which ends in the same `invoke`. A test sends generated requests down both ways and compares the
answers; the header `x-mdlc-path: generic` chooses the long one.
"""

from __future__ import annotations

import functools
import logging
import re
import uuid
from typing import Any

from mdlc_emulator.engine import mutation
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.gateway import front

_PATH = re.compile(r"/endpoints/([A-Za-z0-9](?:-*[A-Za-z0-9])*)/invocations\Z")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]+/([^/]+)/sagemaker/aws4_request")
_LEFT_TO_THE_CHAIN = (
    "origin",
    "referer",
    "content-encoding",
    "x-mdlc-path",
    "x-amzn-sagemaker-enable-explanations",
    "x-amzn-sagemaker-inference-component",
    "x-amzn-sagemaker-prefix-aware-id",
)
_LONGEST = {
    "content-type": 1024,
    "accept": 1024,
    "x-amzn-sagemaker-custom-attributes": 1024,
    "x-amzn-sagemaker-target-model": 1024,
    "x-amzn-sagemaker-target-variant": 63,
    "x-amzn-sagemaker-target-container-hostname": 63,
    "x-amzn-sagemaker-inference-id": 64,
    "x-amzn-sagemaker-session-id": 256,
}
"""Header -> most characters. What is longer, empty or has other than printable ASCII goes the long way, which
says what is wrong with it."""
_NAME = re.compile(r"[A-Za-z0-9](?:-*[A-Za-z0-9])*")
_NAMES = ("x-amzn-sagemaker-target-variant", "x-amzn-sagemaker-target-container-hostname")
_REQUESTS = logging.getLogger("localstack.request.aws")


@functools.lru_cache(4096)
def _caller(authorization: str) -> tuple[str, Caller] | None:
    """Access key and caller of a SigV4 header for SageMaker; None if it is no such header."""
    from localstack.aws.accounts import get_account_id_from_access_key_id
    from localstack.aws.handlers import rewrite_region

    found = _CREDENTIAL.search(authorization) if authorization.startswith("AWS4-HMAC-SHA256 ") else None
    if found is None:
        return None
    access_key, region = found.groups()
    if region not in rewrite_region.region_rewriter_strategy.available_regions:  # type: ignore[attr-defined]
        return None
    return access_key, Caller(get_account_id_from_access_key_id(access_key), region)


class EndpointFront:
    """The front handler of InvokeEndpoint."""

    def __call__(self, request: front.FrontRequest) -> front.FrontAnswer | None:
        if request.method != "POST" or not request.path.startswith("/endpoints/"):
            return None
        if mutation.ENABLED and "sagemaker-runtime:InvokeEndpoint" in mutation.replaced():
            return None
        path = _PATH.match(request.path)
        fields = request.head.fields
        if path is None or request.query or len(path[1]) > 63:
            return None
        for name in _LEFT_TO_THE_CHAIN:
            if name in fields:
                return None
        for name, longest in _LONGEST.items():
            value = fields.get(name)
            if value is not None and not (
                0 < len(value) <= longest and value.isascii() and value.isprintable()
            ):
                return None
        for name in _NAMES:
            if (value := fields.get(name)) is not None and not _NAME.fullmatch(value):
                return None
        known = _caller(fields.get("authorization", ""))
        if known is None:
            return None
        return self._answer(request, known[0], known[1], path[1])

    def _answer(
        self, request: front.FrontRequest, access_key: str, caller: Caller, name: str
    ) -> front.FrontAnswer:
        from mdlc_emulator.engine.sagemaker.runtime.invoke import Invocation, invoke

        get = request.head.fields.get
        try:
            outcome = invoke(
                Invocation(
                    caller,
                    name,
                    request.body.read(),
                    get("content-type"),
                    get("accept"),
                    get("x-amzn-sagemaker-custom-attributes"),
                    get("x-amzn-sagemaker-target-model"),
                    get("x-amzn-sagemaker-target-variant"),
                    get("x-amzn-sagemaker-target-container-hostname"),
                    get("x-amzn-sagemaker-inference-id"),
                    get("x-amzn-sagemaker-session-id"),
                )
            )
        except AwsError as error:
            return _refused(error, access_key, caller, name, request)
        headers = [
            ("x-amzn-RequestId", str(uuid.uuid4())),
            ("x-Amzn-Invoked-Production-Variant", outcome.variant),
            ("Content-Type", outcome.content_type),
        ]
        for header, value in (
            ("X-Amzn-SageMaker-Custom-Attributes", outcome.custom_attributes),
            ("X-Amzn-SageMaker-New-Session-Id", outcome.new_session),
            ("X-Amzn-SageMaker-Closed-Session-Id", outcome.closed_session),
        ):
            if value is not None:
                headers.append((header, value))
        if _REQUESTS.isEnabledFor(logging.INFO):
            _REQUESTS.info("AWS sagemaker-runtime.InvokeEndpoint => 200")
        return front.FrontAnswer(200, headers, bytes(outcome.body), _counted(access_key, caller, name, None))


def _refused(
    error: AwsError, access_key: str, caller: Caller, name: str, request: front.FrontRequest
) -> front.FrontAnswer:
    """The error as the chain writes it."""
    from mdlc_emulator.engine.moto_service import service_exception

    operation, serializer = _protocol()
    response = serializer.serialize_error_to_response(
        service_exception(error), operation, dict(request.head.headers), str(uuid.uuid4())
    )
    headers = [(header, str(value)) for header, value in response.headers]
    _REQUESTS.info("AWS sagemaker-runtime.InvokeEndpoint => %d (%s)", response.status_code, error.code)
    return front.FrontAnswer(
        response.status_code, headers, response.get_data(), _counted(access_key, caller, name, error.code)
    )


@functools.cache
def _protocol() -> tuple[Any, Any]:
    from localstack.aws.protocol.serializer import create_serializer
    from localstack.aws.spec import load_service

    service = load_service("sagemaker-runtime")
    return service.operation_model("InvokeEndpoint"), create_serializer(service, "rest-json")


def _counted(access_key: str, caller: Caller, name: str, error: str | None) -> front.Call:
    return front.Call(
        "sagemaker-runtime", "InvokeEndpoint", caller.account, caller.region, name, error, access_key
    )
