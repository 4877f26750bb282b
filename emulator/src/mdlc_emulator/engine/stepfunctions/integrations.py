"""The services that Task states reach: the stock ones, and those that register here.

A service that comes later brings one class and one line, at install time of its own part:

    from mdlc_emulator.engine.stepfunctions import integrations

    integrations.register("sagemaker", SageMakerTask)

where `SageMakerTask()` is a LocalStack `StateTaskServiceCallback`: `_get_supported_parameters` returns None
for an action that it cannot run (CreateStateMachine then refuses the definition), `_eval_service_task` makes
the call and pushes the answer, `_build_sync_resolver` returns a function that answers None until the job has
ended, then its description, or raises. It is asked again every `POLL_SECONDS`. A class may also define
`cancel(env, submitted, region, credentials)`: called with the answer of that call when the execution is
stopped or times out before the job has ended.

What nobody runs is refused when the state machine is made, never answered as if it had run.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

POLL_SECONDS = 0.02
"""How often a `.sync` task asks whether its job has ended."""

LOG = logging.getLogger(__name__)

_registered: dict[str, Callable[[], Any]] = {}

# Optimised integrations of AWS that neither LocalStack nor this engine can run.
_REFUSED = frozenset(
    {
        "athena",
        "batch",
        "bedrock",
        "codebuild",
        "databrew",
        "ecs",
        "eks",
        "elasticmapreduce",
        "emr-containers",
        "emr-serverless",
        "glue",
        "http",
        "mediaconvert",
        "sagemaker",
    }
)
_STOCK = frozenset({"apigateway", "aws-sdk", "dynamodb", "events", "lambda", "sns", "sqs", "states"})


def register(service: str, factory: Callable[[], Any]) -> None:
    """Let `arn:aws:states:::<service>:...` be run by what `factory` makes (one per Task state)."""
    _registered[service] = factory


def registered() -> frozenset[str]:
    return frozenset(_registered)


def install() -> None:
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import (
        state_task_factory,
    )
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service_aws_sdk,
        state_task_service_callback,
        state_task_service_factory,
        state_task_service_sfn,
    )

    from mdlc_emulator.engine.stepfunctions.patching import original, replace

    stock = original(state_task_service_factory, "state_task_service_for")

    def state_task_service_for(service_name: str) -> Any:
        factory = _registered.get(service_name)
        if factory is not None:
            return factory()
        if service_name in _REFUSED:
            have = ", ".join(sorted({*_STOCK, *_registered}))
            raise ValueError(
                f"Tasks of arn:aws:states:::{service_name} cannot be run here: this emulator "
                f"does not execute {service_name}. What it runs: {have}."
            )
        return stock(service_name)

    # Both modules name it: the factory itself, and the one that imported it by name.
    replace(state_task_service_factory, "state_task_service_for", state_task_service_for)
    replace(state_task_factory, "state_task_service_for", state_task_service_for)
    callback = state_task_service_callback.StateTaskServiceCallback
    replace(callback, "_eval_sync", _eval_sync)
    pattern = original(callback, "_eval_integration_pattern")

    def eval_integration_pattern(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        env._mdlc_submitted = (env.stack[-1], resource_runtime_part.region, state_credentials)
        pattern(self, env, resource_runtime_part, normalised_parameters, state_credentials)

    replace(callback, "_eval_integration_pattern", eval_integration_pattern)
    callback.cancel = _no_cancel  # type: ignore[attr-defined]
    state_task_service_sfn.StateTaskServiceSfn.cancel = _stop_child  # type: ignore[attr-defined]
    replace(
        state_task_service_aws_sdk.StateTaskServiceAwsSdk,
        "_validate_service_integration_is_supported",
        _check_sdk,
    )


def _eval_sync(
    self: Any,
    env: Any,
    sync_resolver: Callable[[], Any],
    timeout_seconds: float | None,
    callback_endpoint: Any,
    heartbeat_endpoint: Any,
) -> Any:
    """Ask until the job has ended; a job that outlives its execution is cancelled, as AWS tries to."""
    from mdlc_emulator.engine.stepfunctions.halting import poll_pause

    while env.is_running():
        result = sync_resolver()
        if result is not None:
            return result
        if callback_endpoint is not None and (outcome := callback_endpoint.get_outcome()) is not None:
            return outcome
        poll_pause(env, POLL_SECONDS)
    submitted = getattr(env, "_mdlc_submitted", None)
    if submitted is not None:
        threading.Thread(
            target=_cancel, args=(self, env, submitted), name="states-cancel", daemon=True
        ).start()
    return None


def _cancel(self: Any, env: Any, submitted: Any) -> None:
    try:
        self.cancel(env, *submitted)
    except Exception:
        LOG.exception("A job of a stopped execution could not be cancelled.")


def _no_cancel(self: Any, env: Any, submitted: Any, region: str, credentials: Any) -> None:
    """A service that cannot cancel leaves its job alone."""


def _stop_child(self: Any, env: Any, submitted: Any, region: str, credentials: Any) -> None:
    from localstack.services.stepfunctions.asl.utils.boto_client import boto_client_for

    client = boto_client_for(service="stepfunctions", region=region, state_credentials=credentials)
    client.stop_execution(executionArn=submitted["ExecutionArn"], cause="The parent execution has ended.")


def _check_sdk(self: Any) -> None:
    """`aws-sdk` resources are checked when the state machine is made: service and action must exist."""
    try:
        self._get_boto_operation_model(self._get_boto_service_name(), self._get_boto_service_action())
    except Exception:  # noqa: BLE001 (botocore and the stock code have no exception of their own for it)
        raise _unrecognised(self.resource.resource_arn) from None


def _unrecognised(arn: str) -> ValueError:
    return ValueError(
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region."
    )
