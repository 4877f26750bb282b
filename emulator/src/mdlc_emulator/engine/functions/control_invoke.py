"""The operations that invoke: Invoke, the older InvokeAsync, and InvokeWithResponseStream."""

from collections.abc import Iterator
from typing import IO, Any, cast

from localstack.aws.api import RequestContext
from localstack.aws.api.lambda_ import (
    InvokeAsyncResponse,
    InvokeResponseStreamUpdate,
    InvokeWithResponseStreamCompleteEvent,
    InvokeWithResponseStreamResponse,
    InvokeWithResponseStreamResponseEvent,
)
from localstack.aws.protocol.serializer import create_serializer
from localstack.http import Response
from localstack.services.lambda_.provider import LambdaProvider

from mdlc_emulator.engine.functions.invocation_call import Answer, Call
from mdlc_emulator.engine.functions.invocation_front import answer_headers, located
from mdlc_emulator.engine.functions.invocation_guard import guarded
from mdlc_emulator.engine.functions.invocation_service import InvocationService
from mdlc_emulator.engine.functions.limits_api import tail

CHUNK = 64 * 1024
"""Bytes of one chunk of a streamed response."""


class InvokeProvider(LambdaProvider):
    """The long way in; `invocation_front` and `invocation_clients` are the short ones."""

    lambda_service: InvocationService

    def invoke(  # type: ignore[override]
        self,
        context: RequestContext,
        function_name: str,
        invocation_type: str | None = None,
        log_type: str | None = None,
        client_context: str | None = None,
        durable_execution_name: str | None = None,
        payload: IO[bytes] | None = None,
        qualifier: str | None = None,
        tenant_id: str | None = None,
        **options: Any,
    ) -> Response:
        call = _call(context, function_name, qualifier, invocation_type, client_context, payload)
        answer = guarded(self.lambda_service, call)
        headers = answer_headers(answer, log_type == "Tail", call.request_id)
        return Response(answer.payload or b"", answer.status, dict(headers))

    def invoke_async(
        self, context: RequestContext, function_name: str, invoke_args: IO[bytes], **options: Any
    ) -> InvokeAsyncResponse:
        """The operation that Invoke of type Event replaced."""
        self.invoke(context, function_name, invocation_type="Event", payload=invoke_args)
        return InvokeAsyncResponse(Status=202)

    def invoke_with_response_stream(  # type: ignore[override]
        self,
        context: RequestContext,
        function_name: str,
        invocation_type: str | None = None,
        log_type: str | None = None,
        client_context: str | None = None,
        qualifier: str | None = None,
        payload: IO[bytes] | None = None,
        tenant_id: str | None = None,
        **options: Any,
    ) -> Response:
        """The response in chunks, once it is whole: as Lambda does for runtimes that do not stream."""
        call = _call(context, function_name, qualifier, invocation_type, client_context, payload)
        answer = guarded(self.lambda_service, call)
        answered = InvokeWithResponseStreamResponse(
            StatusCode=answer.status, EventStream=_chunks(answer, log_type == "Tail")
        )
        assert context.service
        assert context.protocol
        assert context.operation
        response = create_serializer(context.service, context.protocol).serialize_to_response(
            cast(dict[str, Any], answered), context.operation, context.request.headers, call.request_id
        )
        # LocalStack's serializer leaves out the headers that the model has beside a stream.
        for name, value in answer_headers(answer, False, call.request_id):
            if name.startswith("X-Amz-Executed"):
                response.headers[name] = value
        return response


def _call(
    context: RequestContext,
    function_name: str,
    qualifier: str | None,
    kind: str | None,
    client_context: str | None,
    payload: IO[bytes] | None,
) -> Call:
    account, region, name, qualifier = located(function_name, qualifier, context.account_id, context.region)
    return Call(
        account=account,
        region=region,
        name=name,
        qualifier=qualifier,
        kind=kind or "RequestResponse",
        payload=payload.read() if payload else b"",
        client_context=client_context,
        request_id=context.request_id or "",
        trace=context.trace_context.get("aws_trace_header"),
        user_agent=context.request.user_agent.string,
    )


def _chunks(answer: Answer, wants_logs: bool) -> Iterator[InvokeWithResponseStreamResponseEvent]:
    end = InvokeWithResponseStreamCompleteEvent()
    payload = answer.payload or b""
    if answer.function_error:
        end["ErrorCode"] = answer.function_error
        end["ErrorDetails"] = payload.decode(errors="replace")
    else:
        for start in range(0, len(payload), CHUNK):
            chunk = InvokeResponseStreamUpdate(Payload=payload[start : start + CHUNK])
            yield InvokeWithResponseStreamResponseEvent(PayloadChunk=chunk)
    if wants_logs:
        end["LogResult"] = tail(answer.logs)
    yield InvokeWithResponseStreamResponseEvent(InvokeComplete=end)
