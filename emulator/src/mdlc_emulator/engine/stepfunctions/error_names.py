"""Error names, and what Retry and Catch take them for, where the stock interpreter differs from AWS."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from localstack.services.stepfunctions.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_aws_sdk,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.state_task import (
    StateTask,
)
from localstack.services.stepfunctions.asl.eval.callback.callback import HeartbeatTimeoutError
from localstack.services.stepfunctions.backend.alias import Alias

from mdlc_emulator.engine.stepfunctions.patching import original, replace
from mdlc_emulator.engine.stepfunctions.sdk_services import boto_name
from mdlc_emulator.engine.stepfunctions.stock import StatesErrorName, StatesErrorNameType

# The words that the SDK for Java makes of a service id: acronyms become words as well.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|\d+")
_EXCEPTIONS = {"IoT": "Iot", "stepfunctions": "Sfn"}
# What States.ALL does not match. (The guide names States.DataLimitExceeded as well; AWS does catch it.)
_TERMINAL = {"States.Runtime"}


@lru_cache(maxsize=512)
def sdk_name(service_id: str) -> str:
    """`SSM` -> `Ssm`, `DynamoDB` -> `DynamoDb`, `Secrets Manager` -> `SecretsManager`."""
    if service_id in _EXCEPTIONS:
        return _EXCEPTIONS[service_id]
    return "".join(word[:1].upper() + word[1:].lower() for word in _WORDS.findall(service_id))


def install() -> None:
    sdk = state_task_service_aws_sdk.StateTaskServiceAwsSdk
    name = original(sdk, "_normalise_service_error_name")

    def normalised(service_name: str) -> str:
        return sdk_name(name(boto_name(service_name)))

    replace(sdk, "_normalise_service_error_name", staticmethod(normalised))
    _heartbeats()
    # An alias holds a lock, which a copy of its state machine (StartExecution makes one) would have to copy.
    Alias.__deepcopy__ = lambda self, memo: self  # type: ignore[attr-defined]


class _HeartbeatTimeout(StatesErrorName):
    """States.Timeout, as AWS reports a missed heartbeat; Catch knows it as States.HeartbeatTimeout too."""


def _heartbeats() -> None:
    timed_out = original(StateTask, "_from_error")

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        failure = timed_out(self, env, ex)
        if isinstance(ex, HeartbeatTimeoutError):
            failure.error_name = _HeartbeatTimeout(typ=StatesErrorNameType.StatesTimeout)
        return failure

    replace(StateTask, "_from_error", from_error)
    replace(ErrorEqualsDecl, "_eval_body", _equals)


def _equals(self: Any, env: Any) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
    error = env.stack.pop()
    name = getattr(error, "error_name", None)
    wanted = {known.error_name for known in self.error_names}
    found = name in wanted
    if "States.ALL" in wanted:
        found = found or name not in _TERMINAL
    if "States.TaskFailed" in wanted:
        found = found or not isinstance(error, StatesErrorName)
    if isinstance(error, _HeartbeatTimeout):
        found = found or "States.HeartbeatTimeout" in wanted
    env.stack.append(found)
