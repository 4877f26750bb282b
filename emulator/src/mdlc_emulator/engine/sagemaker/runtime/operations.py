"""InvokeEndpoint on LocalStack's long way; the short one is `front`."""

from __future__ import annotations

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import unsupported
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Response
from mdlc_emulator.engine.sagemaker.runtime.invoke import Invocation, Outcome, invoke

_REFUSED = {
    "InferenceComponentName": "Give the endpoint a variant with a ModelName, and leave it out.",
    "EnableExplanations": "Leave it out; a processing job can explain predictions.",
    "PrefixAwareId": "Leave it out: any instance may answer.",
}


def invoke_endpoint(caller: Caller, request: Request) -> Response:
    for member, way_out in _REFUSED.items():
        if request.get(member):
            raise unsupported(f"{member} of InvokeEndpoint", way_out)
    body = request.get("Body", b"")
    outcome = invoke(
        Invocation(
            caller,
            request["EndpointName"],
            body if isinstance(body, bytes) else body.read(),
            request.get("ContentType"),
            request.get("Accept"),
            request.get("CustomAttributes"),
            request.get("TargetModel"),
            request.get("TargetVariant"),
            request.get("TargetContainerHostname"),
            request.get("InferenceId"),
            request.get("SessionId"),
        )
    )
    return response(outcome)


def response(outcome: Outcome) -> Response:
    """The members of InvokeEndpoint's response."""
    members: Response = {
        "Body": bytes(outcome.body),
        "ContentType": outcome.content_type,
        "InvokedProductionVariant": outcome.variant,
    }
    for member, value in (
        ("CustomAttributes", outcome.custom_attributes),
        ("NewSessionId", outcome.new_session),
        ("ClosedSessionId", outcome.closed_session),
    ):
        if value is not None:
            members[member] = value
    return members


OPERATIONS: dict[str, Operation] = {}
RUNTIME: dict[str, Operation] = {"InvokeEndpoint": invoke_endpoint}
