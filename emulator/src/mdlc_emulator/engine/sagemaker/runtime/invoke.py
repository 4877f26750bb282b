"""InvokeEndpoint: which server is asked, and what its answer becomes.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import NamedTuple

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.endpoints.capture import Captured
from mdlc_emulator.engine.sagemaker.endpoints.endpoint import Endpoint, Traffic, endpoints
from mdlc_emulator.engine.sagemaker.endpoints.fleet import Fleet, Variant
from mdlc_emulator.engine.sagemaker.runtime.metrics import INVOCATIONS
from mdlc_emulator.engine.sagemaker.servers.instance import Answered, Instance
from mdlc_emulator.engine.sagemaker.servers.many import ModelMissingError, NotLoadedError
from mdlc_emulator.engine.sagemaker.servers.wire import Reply, TimedOutError, UnansweredError

SECONDS = 60.0
"""A model's time to answer: the page above."""

PAYLOAD_LIMIT = 6_291_456
"""Bytes of a request's and of an answer's body: the model's BodyBlob, max 6291456."""

SHADOW_THREADS = 8

LOOKS = 8
"""How often an instance is looked for while those that were found are leaving."""


class Invocation(NamedTuple):
    """One InvokeEndpoint request; the members that were not given are None."""

    caller: Caller
    endpoint: str
    body: bytes
    content_type: str | None = None
    accept: str | None = None
    custom_attributes: str | None = None
    target_model: str | None = None
    target_variant: str | None = None
    target_container: str | None = None
    inference_id: str | None = None
    session_id: str | None = None


class Outcome(NamedTuple):
    """What InvokeEndpoint answers."""

    body: bytes | bytearray
    content_type: str
    variant: str
    custom_attributes: str | None
    new_session: str | None
    closed_session: str | None


def invoke(asked: Invocation) -> Outcome:
    """Ask the endpoint. AwsError as InvokeEndpoint answers it."""
    began = time.perf_counter()
    if not asked.body:
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value null at 'body' failed to satisfy constraint: "
            "Member must not be null",
        )
    if len(asked.body) > PAYLOAD_LIMIT:
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member "
            "must have length "
            f"less than or equal to {PAYLOAD_LIMIT}",
        )
    endpoint = endpoints(asked.caller).find(asked.endpoint)
    if endpoint is None or endpoint.traffic is None:
        raise _not_found(asked)
    fleet, variant, instance = _entered(endpoint, asked)
    try:
        outcome = _answer(endpoint, fleet, variant, instance, asked, began)
    finally:
        instance.leave()
        variant.dismiss()
    return outcome


def _entered(endpoint: Endpoint, asked: Invocation) -> tuple[Fleet, Variant, Instance]:
    """An instance that has counted this request. The traffic may be moved while one looks: look again."""
    variant: Variant | None = None
    for _ in range(LOOKS):
        traffic = endpoint.traffic
        if traffic is None:
            raise _not_found(asked)
        fleet, variant = _chosen(traffic, asked)
        if variant is None:
            break
        if not variant.admit():
            raise AwsError(
                "ThrottlingException",
                f"Rate exceeded: endpoint {endpoint.name} has its MaxConcurrency of invocations under way.",
                status=429,
            )
        instance = variant.entered()
        if instance is None:
            variant.dismiss()
            continue
        try:
            _check(endpoint, instance, asked)
        except AwsError:
            instance.leave()
            variant.dismiss()
            raise
        return fleet, variant, instance
    if variant is not None:
        _count(endpoint, variant.name, {"Invocations": 1.0, "Invocation5XXErrors": 1.0})
    raise AwsError(
        "ServiceUnavailable",
        f"Endpoint {endpoint.name} has no model server that is up at this moment. Try again.",
        status=503,
    )


def _not_found(asked: Invocation) -> AwsError:
    return AwsError(
        "ValidationError", f"Endpoint {asked.endpoint} of account {asked.caller.account} not found."
    )


def _chosen(traffic: Traffic, asked: Invocation) -> tuple[Fleet, Variant | None]:
    """The fleet and the variant whose turn it is, or the variant that was asked for wherever it is; None
    when no variant has a weight. ValidationError."""
    fleet = traffic.pick()
    if asked.target_variant is None:
        return fleet, fleet.pick()
    for each in (fleet, *traffic.fleets):
        if (found := each.by_name.get(asked.target_variant)) is not None:
            return each, found
    raise AwsError(
        "ValidationError", f"Variant {asked.target_variant} of endpoint {asked.endpoint} not found."
    )


def _check(endpoint: Endpoint, instance: Instance, asked: Invocation) -> None:
    """What must be given for this model, and what must not."""
    plan = instance.plan
    if asked.target_model is not None and not instance.holds_many:
        raise AwsError(
            "ValidationError",
            f"Endpoint {endpoint.name} is not a multi-model endpoint: TargetModel cannot be specified.",
        )
    if asked.target_model is None and instance.holds_many:
        raise AwsError(
            "ValidationError", f"Endpoint {endpoint.name} is a multi-model endpoint: specify TargetModel."
        )
    if plan.direct and asked.target_container not in instance.containers:
        raise AwsError(
            "ValidationError",
            f"TargetContainerHostname must be one of {', '.join(instance.containers)}: the "
            "inference execution mode "
            f"of endpoint {endpoint.name} is Direct.",
        )
    if asked.target_container is not None and not plan.direct:
        raise AwsError(
            "ValidationError",
            f"TargetContainerHostname cannot be specified: the inference execution mode of endpoint "
            f"{endpoint.name} is not Direct.",
        )


def _headers(asked: Invocation) -> list[tuple[str, str]]:
    headers = [("Content-Type", asked.content_type or "application/octet-stream")]
    headers.append(("Accept", asked.accept or "*/*"))
    for name, value in (
        ("X-Amzn-SageMaker-Custom-Attributes", asked.custom_attributes),
        ("X-Amzn-SageMaker-Inference-Id", asked.inference_id),
        ("X-Amzn-SageMaker-Target-Model", asked.target_model),
        ("X-Amzn-SageMaker-Session-Id", asked.session_id),
    ):
        if value is not None:
            headers.append((name, value))
    return headers


def _answer(
    endpoint: Endpoint, fleet: Fleet, variant: Variant, instance: Instance, asked: Invocation, began: float
) -> Outcome:
    headers = _headers(asked)
    capture = fleet.capture
    sampled = capture is not None and capture.sampled()
    event_id = str(uuid.uuid4()) if sampled or fleet.shadows else ""
    if fleet.shadows:
        _mirror(endpoint, fleet, asked, headers, event_id, sampled)
    sent = time.perf_counter()
    values: dict[str, float] = {
        "Invocations": 1.0,
        "InvocationsPerInstance": 1.0 / max(1, variant.count),
        "Invocation4XXErrors": 0.0,
        "Invocation5XXErrors": 0.0,
        "InvocationModelErrors": 0.0,
    }
    reply: Reply | None = None
    try:
        answered = _asked(endpoint, variant, instance, asked, headers, values)
        reply = answered.reply
        values["ModelLatency"] = (time.perf_counter() - sent) * 1e6
        return _outcome(endpoint, variant, instance, answered, values)
    finally:
        got = time.perf_counter()
        values.setdefault("ModelLatency", (got - sent) * 1e6)
        values["OverheadLatency"] = max(0.0, (got - began) * 1e6 - values["ModelLatency"])
        _count(endpoint, variant.name, values)
        if sampled and capture is not None:
            capture.add(_captured(variant.name, event_id, asked, reply))


def _asked(
    endpoint: Endpoint,
    variant: Variant,
    instance: Instance,
    asked: Invocation,
    headers: list[tuple[str, str]],
    values: dict[str, float],
) -> Answered:
    """The model's answer, or the error for a model that gave none."""
    try:
        return instance.ask(headers, asked.body, SECONDS, asked.target_model, asked.target_container)
    except TimedOutError:
        values["InvocationModelErrors"] = values["Invocation5XXErrors"] = 1.0
        label = asked.target_container or instance.containers[0]
        raise _model_error(
            endpoint,
            variant,
            instance,
            label,
            0,
            f"Your invocation timed out while waiting for a response from container {label}. "
            "Review the latency "
            "metrics for each container in Amazon CloudWatch, resolve the issue, and try again.",
        ) from None
    except ModelMissingError as error:
        values["Invocation4XXErrors"] = 1.0
        raise AwsError("ValidationError", str(error)) from None
    except NotLoadedError as error:
        values["InvocationModelErrors"] = values["Invocation5XXErrors"] = 1.0
        raise _model_error(
            endpoint, variant, instance, instance.containers[0], error.status, error.message
        ) from None
    except UnansweredError as error:
        values["InvocationModelErrors"] = values["Invocation5XXErrors"] = 1.0
        raise AwsError(
            "InternalFailure",
            f"An exception occurred while sending request to model of endpoint {endpoint.name}: {error}.",
            status=500,
        ) from None


def _outcome(
    endpoint: Endpoint, variant: Variant, instance: Instance, answered: Answered, values: dict[str, float]
) -> Outcome:
    label, reply = answered
    if not 200 <= reply.status < 300:
        values["InvocationModelErrors"] = 1.0
        if 400 <= reply.status < 500:
            values["Invocation4XXErrors"] = 1.0
        else:
            values["Invocation5XXErrors"] = 1.0
        raise _model_error(
            endpoint, variant, instance, label, reply.status, bytes(reply.body).decode(errors="replace")
        )
    if len(reply.body) > PAYLOAD_LIMIT:
        values["InvocationModelErrors"] = values["Invocation5XXErrors"] = 1.0
        raise _model_error(
            endpoint,
            variant,
            instance,
            label,
            reply.status,
            f"The model's response of {len(reply.body)} bytes exceeds the limit of {PAYLOAD_LIMIT} bytes.",
        )
    get = reply.headers.get
    return Outcome(
        reply.body,
        get("content-type", ""),
        variant.name,
        get("x-amzn-sagemaker-custom-attributes"),
        get("x-amzn-sagemaker-new-session-id"),
        get("x-amzn-sagemaker-closed-session-id"),
    )


def _model_error(
    endpoint: Endpoint, variant: Variant, instance: Instance, label: str, status: int, message: str
) -> AwsError:
    """424 with the model's own words:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors"""
    account, region = endpoint.caller
    side = "client" if 400 <= status < 500 else "server"
    stream = f"{variant.name}/{instance.id}" + (f"/{label}" if len(instance.containers) > 1 else "")
    return AwsError(
        "ModelError",
        f'Received {side} error ({status}) from {label} with message "{message}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group="
        f"{endpoint.log_group} in account {account} for more information.",
        status=424,
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:aws:logs:{region}:{account}:log-group:{endpoint.log_group}:log-stream:{stream}",
    )


def _count(endpoint: Endpoint, variant: str, values: dict[str, float]) -> None:
    INVOCATIONS.record(endpoint.caller, endpoint.name, variant, values)


def _captured(
    variant: str, event_id: str, asked: Invocation, reply: Reply | None, shadow_of: str | None = None
) -> Captured:
    good = reply is not None and 200 <= reply.status < 300
    return Captured(
        variant,
        event_id,
        time.time(),
        asked.content_type or "application/octet-stream",
        asked.body,
        reply.content_type if reply is not None else "",
        bytes(reply.body) if reply is not None and good else None,
        asked.custom_attributes,
        asked.inference_id,
        shadow_of,
    )


@cache
def _shadow_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(SHADOW_THREADS, thread_name_prefix="sagemaker-shadow")


def _mirror(
    endpoint: Endpoint,
    fleet: Fleet,
    asked: Invocation,
    headers: list[tuple[str, str]],
    event_id: str,
    sampled: bool,
) -> None:
    """Send the request to the shadow variants too. Their answers go to data capture and to nobody else:
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html"""
    for shadow in fleet.shadows:
        if shadow.sampled():
            _shadow_threads().submit(_shadowed, endpoint, fleet, shadow, asked, headers, event_id, sampled)


def _shadowed(
    endpoint: Endpoint,
    fleet: Fleet,
    shadow: Variant,
    asked: Invocation,
    headers: list[tuple[str, str]],
    event_id: str,
    sampled: bool,
) -> None:
    instance = shadow.entered()
    if instance is None:
        return
    values: dict[str, float] = {"Invocations": 1.0, "InvocationModelErrors": 0.0}
    values |= {"Invocation4XXErrors": 0.0, "Invocation5XXErrors": 0.0}
    sent = time.perf_counter()
    reply: Reply | None = None
    try:
        answered = _asked(endpoint, shadow, instance, asked, headers, values)
        reply = answered.reply
        _outcome(endpoint, shadow, instance, answered, values)
    except AwsError:
        pass  # counted, and nobody's answer
    finally:
        instance.leave()
        values["ModelLatency"] = (time.perf_counter() - sent) * 1e6
        _count(endpoint, shadow.name, values)
        if sampled and fleet.capture is not None:
            production = fleet.variants[0].name
            fleet.capture.add(_captured(shadow.name, event_id, asked, reply, production))
