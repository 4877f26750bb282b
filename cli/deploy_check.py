"""Does a deployed stage work? Its API answers, it is complete, and its lifecycles are registered."""

import json
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from cli.deploy_target import Target
from cli.exits import MdlcError

_HTTP_SECONDS = 30.0
_WORKFLOW_SECONDS = 120.0
_PAUSE = 0.05


def check(url: str, target: Target, prefix: str) -> str:
    """Ask the API at `url` (ending in a slash) for its health, and register the lifecycles it tells of.

    Registering runs the workflow `register`; where every one is registered already there is nothing to run.
    Raises MdlcError with what is wrong.
    """
    health = _get(f"{url}health")
    if health["missing"]:
        gone = ", ".join(f"{resource['kind']} {resource['name']}" for resource in health["missing"])
        raise MdlcError(
            f"The stack {prefix} is complete but {gone} is gone: it was removed past the stack."
            " Put it back, or make everything anew by `mdlc destroy` and `mdlc deploy`."
        )
    if health["status"] != "ok":
        raise MdlcError(f"The stage is deployed but {health['status']}: {' '.join(health['problems'])}")
    if all(_current(f"{url}lifecycles/{name}/registration") for name in health["lifecycles"]):
        return "healthy"
    _register(target, prefix)
    return "healthy, lifecycles registered"


def _get(url: str) -> dict[str, Any]:
    try:
        with urlopen(url, timeout=_HTTP_SECONDS) as answer:
            body: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        raise MdlcError(f"{url} answers {error.code}: see `mdlc logs`.") from error
    except (OSError, HTTPException, ValueError) as error:
        raise MdlcError(f"{url} does not answer ({error}): see `mdlc logs`.") from error
    return body


def _current(url: str) -> bool:
    """Whether the registration at `url` is that of the deployed version; False when there is none yet."""
    try:
        with urlopen(url, timeout=_HTTP_SECONDS) as answer:
            return bool(json.load(answer)["current"])
    except HTTPError as error:
        if error.code == 404:
            return False
        raise MdlcError(f"{url} answers {error.code}: see `mdlc logs`.") from error


def _register(target: Target, prefix: str) -> None:
    """Run the workflow `register` to its end. Raises MdlcError with its cause."""
    states = target.client("stepfunctions")
    name = f"{prefix}-register"
    arn = next(
        machine["stateMachineArn"]
        for page in states.get_paginator("list_state_machines").paginate()
        for machine in page["stateMachines"]
        if machine["name"] == name
    )
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    deadline = time.monotonic() + _WORKFLOW_SECONDS
    while (told := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if time.monotonic() > deadline:
            raise MdlcError(
                f"The workflow {name} still runs after {_WORKFLOW_SECONDS:.0f} s: see {execution}."
            )
        time.sleep(_PAUSE)
    if told["status"] != "SUCCEEDED":
        reason = f"{told.get('error', '')} {told.get('cause', '')}".strip()
        raise MdlcError(f"The workflow {name} {told['status'].lower()}: {reason or 'it gives no reason'}.")
