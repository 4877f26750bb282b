"""Invoke from inside the engine without HTTP: for Step Functions, mappings, API Gateway, EventBridge.

LocalStack's services call each other through botocore clients. A `before-call` handler of botocore answers
in place of the request: what the client sends has been validated and serialised by botocore as ever, and
what it gets back has the form that botocore would have parsed from the response. Throttles are not retried
in between: who calls has a retry policy of its own, as on AWS.
"""

import functools
import io
import re
from typing import Any
from urllib.parse import unquote

from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.response import StreamingBody
from localstack.aws.accounts import get_account_id_from_access_key_id
from localstack.aws.api import ServiceException
from localstack.aws.connect import (
    INTERNAL_REQUEST_PARAMS_HEADER,
    ClientFactory,
    InternalClientFactory,
    load_dto,
)
from localstack.utils.strings import long_uid
from localstack.utils.xray.trace_header import TraceHeader

from mdlc_emulator.engine.fidelity import recorder
from mdlc_emulator.engine.functions.invocation_call import Call
from mdlc_emulator.engine.functions.invocation_front import located, response_members
from mdlc_emulator.engine.functions.invocation_guard import guarded
from mdlc_emulator.engine.functions.invocation_service import Current

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations\Z")
_EVENT = "before-call.lambda.Invoke"
_ID = "mdlc-short-invoke"

type Parsed = dict[str, Any]


class ShortInvoke:
    """Botocore's `before-call` handler for Invoke: (HTTP response, parsed response)."""

    def __init__(self, current: Current) -> None:
        self._service = current

    def __call__(
        self, params: dict[str, Any], request_signer: Any, context: dict[str, Any], **_: Any
    ) -> tuple[AWSResponse, Parsed] | None:
        path = _PATH.match(params["url_path"])
        if path is None:
            return None
        credentials = request_signer._credentials
        account = get_account_id_from_access_key_id(credentials.access_key if credentials else "")
        region = request_signer._region_name
        sent = {name.lower(): value for name, value in params["headers"].items()}
        # LocalStack's own handler has either put these into the headers already or left them in the context.
        custom = context.get("_custom_headers") or {}
        sent |= {name.lower(): value for name, value in custom.items()}
        body = params["body"]
        content = body.read() if hasattr(body, "read") else body
        request_id = sent.get("x-amz-request-id") or long_uid()
        name = unquote(path[1])
        error_code, status = None, 200
        parsed: Parsed
        try:
            owner, where, bare, qualifier = located(
                name, params["query_string"].get("Qualifier"), account, region
            )
            call = Call(
                account=owner,
                region=where,
                name=bare,
                qualifier=qualifier,
                kind=sent.get("x-amz-invocation-type") or "RequestResponse",
                payload=content.encode() if isinstance(content, str) else bytes(content or b""),
                client_context=sent.get("x-amz-client-context"),
                request_id=request_id,
                trace=TraceHeader.from_header_str(  # type: ignore[no-untyped-call]
                    sent.get("x-amzn-trace-id")
                ),
            )
            answer = guarded(self._service(), call)
            status = answer.status
            parsed = response_members(answer, sent.get("x-amz-log-type") == "Tail")
            payload = parsed.get("Payload", b"")
            parsed["Payload"] = StreamingBody(io.BytesIO(payload), len(payload))
        except ServiceException as error:
            status, error_code, parsed = _failed(error)
        parsed["ResponseMetadata"] = {
            "RequestId": request_id,
            "HTTPStatusCode": status,
            "HTTPHeaders": {"x-amzn-requestid": request_id},
            "RetryAttempts": 0,
        }
        dto: Any = context.get("_localstack") or {}
        if header := sent.get(INTERNAL_REQUEST_PARAMS_HEADER.lower()):
            dto = load_dto(header)
        recorder.count(
            "lambda",
            "Invoke",
            account=account,
            region=region,
            resource=name,
            access_key=dto.get("service_principal") or "",
            error=error_code,
            internal=True,
        )
        return AWSResponse(params.get("url", ""), status, {}, io.BytesIO()), parsed


def _failed(error: ServiceException) -> tuple[int, str, Parsed]:
    """Status, code and parsed body of an exception, as botocore has them of an error response."""
    message = error.message if hasattr(error, "message") else str(error)
    parsed: Parsed = {"Error": {"Code": error.code, "Message": message}, "message": message}
    for member in ("Type", "Reason", "retryAfterSeconds"):
        value = getattr(error, member, None)
        if value is not None:
            parsed[member] = str(value)
    return error.status_code, error.code, parsed


def install(current: Current) -> None:
    """Let every internal Lambda client, those already made excepted, take the short way."""
    handler = ShortInvoke(current)
    original = InternalClientFactory._get_client_post_hook

    @functools.wraps(original)
    def with_short_invoke(self: InternalClientFactory, client: BaseClient) -> BaseClient:
        made: BaseClient = original(self, client)
        if made.meta.service_model.service_name == "lambda":
            # First, so that no header is built for a request that is never sent.
            made.meta.events.register_first(_EVENT, handler, _ID)
        return made

    InternalClientFactory._get_client_post_hook = with_short_invoke  # type: ignore[method-assign]
    # Clients made before Lambda was loaded are forgotten: who asks again gets one that takes the short way.
    ClientFactory._get_client.cache_clear()
