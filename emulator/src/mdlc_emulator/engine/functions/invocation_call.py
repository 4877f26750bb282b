"""One call of Lambda's Invoke: what was asked, which version answers, and what came of it."""

import base64
import binascii
import json
import random
from dataclasses import dataclass, field
from typing import Any

from localstack.aws.api.lambda_ import InvalidRequestContentException, ResourceNotFoundException
from localstack.services.lambda_.api_utils import lambda_arn, qualified_lambda_arn, qualifier_is_alias
from localstack.services.lambda_.invocation.lambda_models import Function, FunctionVersion
from localstack.services.lambda_.invocation.models import lambda_stores
from localstack.utils.strings import long_uid
from localstack.utils.xray.trace_header import TraceHeader

from mdlc_emulator.engine.functions.limits_api import check_payload

CLIENT_CONTEXT_LIMIT = 3583
"""Bytes of X-Amz-Client-Context, in base64."""


@dataclass(slots=True)
class Call:
    """An Invoke as it arrived. `name` is the bare function name; `client_context` is still in base64."""

    account: str
    region: str
    name: str
    qualifier: str | None = None
    kind: str = "RequestResponse"
    payload: bytes = b""
    client_context: str | None = None
    request_id: str = field(default_factory=long_uid)
    trace: TraceHeader | None = None
    user_agent: str | None = None


@dataclass(slots=True)
class Answer:
    """What Invoke returns. `payload` and `version` are None unless the function ran."""

    status: int
    payload: bytes | None = None
    version: str | None = None
    function_error: str | None = None
    logs: str = ""


@dataclass(slots=True)
class Target:
    """What a call's name and qualifier stand for. `arn` is the ARN that the function sees as invoked."""

    function: Function
    version: FunctionVersion
    arn: str
    qualifier: str
    """As asked: `$LATEST`, a version or an alias."""

    @property
    def version_arn(self) -> str:
        identifier = self.version.id
        return qualified_lambda_arn(
            identifier.function_name, identifier.qualifier, identifier.account, identifier.region
        )


def resolve(call: Call) -> Target:
    """The function version that a call reaches, by alias weights if it must; 404 if there is none."""
    function = lambda_stores[call.account][call.region].functions.get(call.name)
    arn = lambda_arn(
        function_name=call.name, qualifier=call.qualifier, account=call.account, region=call.region
    )
    if function is None:
        raise _not_found(arn if call.qualifier else f"{arn}:$LATEST")
    qualifier = call.qualifier or "$LATEST"
    wanted = qualifier
    if qualifier_is_alias(qualifier):
        alias = function.aliases.get(qualifier)
        if alias is None:
            raise _not_found(arn)
        wanted = alias.function_version
        if alias.routing_configuration:
            chance = random.random()  # noqa: S311 - a share of traffic, no secret
            for other, weight in alias.routing_configuration.version_weights.items():
                if chance < weight:
                    wanted = other
                    break
                chance -= weight
    version = function.versions.get(wanted)
    if version is None:
        raise _not_found(arn)
    return Target(function, version, arn, qualifier)


def _not_found(arn: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Function not found: {arn}", Type="User")


def check(call: Call) -> None:
    """Refuse a payload or client context that Lambda refuses before it looks for an environment."""
    check_payload(len(call.payload), call.kind)
    if not call.payload:
        call.payload = b"{}"
    try:
        json.loads(call.payload, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InvalidRequestContentException(
            f"Could not parse request body into json: Could not parse payload into json: "
            f"{_jackson(error, call)}",
            Type="User",
        ) from None
    if call.client_context:
        _check_client_context(call.client_context)


def client_context(call: Call) -> str | None:
    """The client context as JSON text."""
    return base64.b64decode(call.client_context).decode() if call.client_context else None


def _check_client_context(encoded: str) -> None:
    try:
        if len(encoded) > CLIENT_CONTEXT_LIMIT:
            raise ValueError
        decoded = json.loads(base64.b64decode(encoded, validate=True))
        if not isinstance(decoded, dict):
            raise ValueError
    except (ValueError, binascii.Error):
        raise InvalidRequestContentException(
            "Client context must be a valid Base64-encoded JSON object of at most "
            f"{CLIENT_CONTEXT_LIMIT} bytes.",
            Type="User",
        ) from None


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError(name, name, 0)


def _jackson(error: Exception, call: Call) -> str:
    """AWS's wording for the commonest malformed payloads."""
    expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    text = call.payload.decode(errors="replace")
    position = error.pos if isinstance(error, json.JSONDecodeError) else 0
    rest = text[position:]
    where = f'\n at [Source: (byte[])"{text[:500]}"; line: {text.count(chr(10), 0, position) + 1}, column: '
    where += f"{position - text.rfind(chr(10), 0, position) + (len(rest) > 0)}]"
    word = "".join(_word(rest))
    if not rest.strip():
        return f"Unexpected end-of-input{where}"
    if word:
        return f"Unrecognized token '{word}': was expecting {expected}{where}"
    return (
        f"Unexpected character ('{rest[0]}' (code {ord(rest[0])})): expected a valid value {expected}{where}"
    )


def _word(text: str) -> list[str]:
    letters: list[str] = []
    for letter in text:
        if not (letter.isalnum() or letter == "_"):
            break
        letters.append(letter)
    return letters
