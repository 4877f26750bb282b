"""Invoke over HTTP without LocalStack's handler chain: head and body in, answer out.

Only the ordinary call is taken: signed in a header, plain body, no browser behind it. Everything else
(CORS, presigned, compressed, an unknown region) is left to the chain, which ends in the same
`InvocationService.call`. A conformance test sends generated requests down both ways and compares the
answers; the header `x-mdlc-path: generic` chooses the long one.
"""

import functools
import logging
import re
from typing import Any
from urllib.parse import parse_qs, unquote

from localstack.aws.accounts import get_account_id_from_access_key_id
from localstack.aws.api import ServiceException
from localstack.aws.handlers import rewrite_region
from localstack.aws.protocol.serializer import create_serializer
from localstack.aws.spec import load_service
from localstack.runtime import events
from localstack.services.lambda_ import api_utils
from localstack.utils.strings import long_uid
from localstack.utils.xray.trace_header import TraceHeader

from mdlc_emulator.engine.functions.invocation_call import Answer, Call
from mdlc_emulator.engine.functions.invocation_guard import guarded
from mdlc_emulator.engine.functions.invocation_service import Current
from mdlc_emulator.engine.functions.limits_api import tail
from mdlc_emulator.engine.gateway import front

_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?\Z")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]+/([^/]+)/lambda/aws4_request")
_LEFT_TO_THE_CHAIN = (
    "origin",
    "referer",
    "content-encoding",
    "x-mdlc-path",
    "x-amz-durable-execution-name",
    "x-amz-tenant-id",
)
_REQUESTS = logging.getLogger("localstack.request.aws")
_KINDS = frozenset({"RequestResponse", "Event", "DryRun"})


class InvokeContext:
    """What LocalStack's name validation asks of a request context."""

    class operation:  # noqa: N801 - LocalStack's attribute
        name = "Invoke"

    def __init__(self, account: str, region: str) -> None:
        self.account_id = account
        self.region = region


@functools.lru_cache(4096)
def _caller(authorization: str) -> tuple[str, str, str] | None:
    """(access key, account, region) of a SigV4 header for Lambda; None if it is no such header."""
    found = _CREDENTIAL.search(authorization) if authorization.startswith("AWS4-HMAC-SHA256 ") else None
    if found is None:
        return None
    access_key, region = found.groups()
    if region not in rewrite_region.region_rewriter_strategy.available_regions:  # type: ignore[attr-defined]
        return None
    return access_key, get_account_id_from_access_key_id(access_key), region


@functools.lru_cache(4096)
def located(name: str, qualifier: str | None, account: str, region: str) -> tuple[str, str, str, str | None]:
    """(account, region, bare name, qualifier) that a name or ARN means to a caller; what is invalid
    raises."""
    context = InvokeContext(account, region)
    bare, qualifier = api_utils.get_name_and_qualifier(name, qualifier, context)  # type: ignore[arg-type]
    account, region = api_utils.get_account_and_region(name, context)  # type: ignore[arg-type]
    return account, region, bare, qualifier


class InvokeFront:
    """The front handler of Invoke."""

    def __init__(self, current: Current) -> None:
        self._service = current
        self._model = load_service("lambda")
        self._operation = self._model.operation_model("Invoke")
        self._serializer = create_serializer(self._model, "rest-json")

    def __call__(self, request: front.FrontRequest) -> front.FrontAnswer | None:
        if request.method != "POST" or "/functions/" not in request.path:
            return None
        path = _PATH.match(request.path)
        fields = request.head.fields
        if (
            path is None
            or events.infra_stopping.is_set()
            or any(name in fields for name in _LEFT_TO_THE_CHAIN)
        ):
            return None
        caller = _caller(request.header("authorization"))
        kind = fields.get("x-amz-invocation-type", "RequestResponse")
        if caller is None or kind not in _KINDS:
            return None
        qualifier = None
        if request.query:
            query = parse_qs(request.query, keep_blank_values=True)
            if query.keys() - {"Qualifier"} or "" in query["Qualifier"]:
                return None
            qualifier = query["Qualifier"][0]
        return self._answer(request, caller, unquote(path[1]), qualifier, kind)

    def _answer(
        self,
        request: front.FrontRequest,
        caller: tuple[str, str, str],
        name: str,
        qualifier: str | None,
        kind: str,
    ) -> front.FrontAnswer:
        _, account, region = caller
        fields = request.head.fields
        request_id = fields.get("x-amz-request-id") or long_uid()
        body = request.body.read()
        try:
            owner, where, bare, qualifier = located(name, qualifier, account, region)
            call = Call(
                account=owner,
                region=where,
                name=bare,
                qualifier=qualifier,
                kind=kind,
                payload=body,
                client_context=fields.get("x-amz-client-context"),
                request_id=request_id,
                trace=TraceHeader.from_header_str(  # type: ignore[no-untyped-call]
                    fields.get("x-amzn-trace-id")
                ),
                user_agent=fields.get("user-agent"),
            )
            answer = guarded(self._service(), call)
        except ServiceException as error:
            return self._error(error, request, request_id, _counted(caller, name, error))
        wants_logs = fields.get("x-amz-log-type") == "Tail"
        headers = answer_headers(answer, wants_logs, request_id)
        if _REQUESTS.isEnabledFor(logging.INFO):
            _REQUESTS.info("AWS lambda.Invoke => %d", answer.status)
        return front.FrontAnswer(answer.status, headers, answer.payload or b"", _counted(caller, name))

    def _error(
        self, error: ServiceException, request: front.FrontRequest, request_id: str, counted: front.Call
    ) -> front.FrontAnswer:
        response = self._serializer.serialize_error_to_response(
            error, self._operation, dict(request.head.headers), request_id
        )
        headers = [(name, str(value)) for name, value in response.headers]
        _REQUESTS.info("AWS lambda.Invoke => %d (%s)", response.status_code, counted.error)
        return front.FrontAnswer(response.status_code, headers, response.get_data(), counted)


def _counted(caller: tuple[str, str, str], name: str, error: ServiceException | None = None) -> front.Call:
    """What the ledger is told: the same as for a call of the chain, so the function as it was named."""
    access_key, account, region = caller
    code: str | None = getattr(error, "code", None) or (type(error).__name__ if error else None)
    return front.Call("lambda", "Invoke", account, region, name, code, access_key)


def answer_headers(answer: Answer, wants_logs: bool, request_id: str) -> list[tuple[str, str]]:
    """The headers of Invoke's response, which carry all of the outcome but the payload."""
    headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", request_id)]
    if answer.function_error:
        headers.append(("X-Amz-Function-Error", answer.function_error))
    if answer.version is not None:
        if wants_logs:
            headers.append(("X-Amz-Log-Result", tail(answer.logs)))
        headers.append(("X-Amz-Executed-Version", answer.version))
    return headers


def response_members(answer: Answer, wants_logs: bool) -> dict[str, Any]:
    """The same outcome as members of Invoke's response structure."""
    members: dict[str, Any] = {"StatusCode": answer.status}
    if answer.version is not None:
        members["Payload"] = answer.payload or b""
        members["ExecutedVersion"] = answer.version
        if wants_logs:
            members["LogResult"] = tail(answer.logs)
    if answer.function_error:
        members["FunctionError"] = answer.function_error
    return members
