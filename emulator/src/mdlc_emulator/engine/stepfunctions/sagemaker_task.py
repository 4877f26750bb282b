"""`arn:aws:states:::sagemaker:...`: what Step Functions does for SageMaker beyond calling it.

The nine actions, and which of them wait for their job:
https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html (all others are reached through
`aws-sdk:sagemaker:...`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.resource import (  # noqa: E501
    ResourceCondition,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from localstack.services.stepfunctions.asl.utils.boto_client import boto_client_for

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.stepfunctions import integrations
from mdlc_emulator.engine.stepfunctions.failures import task_failure
from mdlc_emulator.engine.stepfunctions.stock import (
    CustomErrorName,
    Environment,
    EventDetails,
    FailureEvent,
    HistoryEventType,
    StatesErrorName,
    StatesErrorNameType,
    TaskFailedEventDetails,
)


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of job that a task can wait for. `noun` is what its members and operations are named by."""

    noun: str

    @property
    def name(self) -> str:
        return f"{self.noun}Name"

    @property
    def arn(self) -> str:
        return f"{self.noun}Arn"

    @property
    def status(self) -> str:
        return f"{self.noun}Status"

    @property
    def snake(self) -> str:
        """The noun in the names of boto3's methods."""
        words = self.noun.replace("HyperParameter", "Hyperparameter")
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in words).lstrip("_")
        return snake.replace("hyperparameter", "hyper_parameter")


_JOBS = {
    f"create{noun}": Job(noun)
    for noun in ("TrainingJob", "ProcessingJob", "TransformJob", "HyperParameterTuningJob")
}
_ACTIONS = frozenset({*_JOBS, "createEndpoint", "createEndpointConfig", "createModel", "updateEndpoint"})
_OVER = frozenset({"Completed", "Failed", "Stopped"})
_MODELLED = frozenset({"ConflictException", "ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound"})
"""The errors that SageMaker's model declares; each is an exception class of its own in AWS's SDK for Java, by
which Step Functions names errors. All others are its base class."""


class SageMakerTask(StateTaskServiceCallback):
    """One Task state that names SageMaker as its resource."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition.Sync})  # type: ignore[arg-type]

    def _validate_service_integration_is_supported(self) -> None:
        """When the state machine is made: ValueError for what AWS does not offer."""
        action, condition = self.resource.api_action, self.resource.condition
        known = action in _JOBS if condition == ResourceCondition.Sync else action in _ACTIONS
        if not known or condition not in (None, ResourceCondition.Sync):
            way_out = f"arn:aws:states:::aws-sdk:sagemaker:{action}"
            raise ValueError(
                f"The resource provided {self.resource.resource_arn} is not recognized. The value is not a "
                "valid resource ARN, or the resource is not available in this region. "
                f"SageMaker's own integrations are {', '.join(sorted(_ACTIONS))}, and .sync for those that "
                f"create jobs; any other action is {way_out}."
            )

    def _get_supported_parameters(self) -> set[str]:
        """All that the operation has; what it has not fails the task."""
        return set()

    def _eval_parameters(self, env: Environment) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._eval_parameters(env)
        if self.resource.condition != ResourceCondition.Sync:
            return parameters
        # AWS marks the jobs that it waits for, and shows the marks in the task's output.
        context = env.states.context_object.context_object_data
        marks = {
            "AWS_STEP_FUNCTIONS_EXECUTION_ARN": context["Execution"]["Id"],
            "MANAGED_BY_AWS": "STARTED_BY_STEP_FUNCTIONS",
        }
        own = list(parameters.get("Tags") or [])
        return parameters | {"Tags": own + [{"Key": key, "Value": value} for key, value in marks.items()]}

    def _eval_service_task(
        self,
        env: Environment,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> None:
        client = boto_client_for(
            service="sagemaker", region=resource_runtime_part.region, state_credentials=state_credentials
        )
        answer = getattr(client, self._get_boto_service_action())(**normalised_parameters)
        env.stack.append(_with_metadata(answer))

    def _normalise_response(self, response: Any, *args: Any, **named: Any) -> None:
        """Members keep SageMaker's own names ("VolumeSizeInGB")."""

    def _build_sync_resolver(
        self,
        env: Environment,
        resource_runtime_part: Any,
        normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> Callable[[], dict[str, Any] | None]:
        submitted = env.stack.pop()
        kind = _JOBS[self.resource.api_action]
        name = normalised_parameters[kind.name]
        caller = Caller(resource_runtime_part.account, resource_runtime_part.region)
        job = STORE.by_arn(caller, submitted[kind.arn])

        def describe() -> dict[str, Any]:
            client = boto_client_for(
                service="sagemaker", region=resource_runtime_part.region, state_credentials=state_credentials
            )
            found = getattr(client, f"describe_{kind.snake}")(**{kind.name: name})
            found.pop("ResponseMetadata", None)
            tags = client.list_tags(ResourceArn=submitted[kind.arn], MaxResults=50)["Tags"]
            return _in_milliseconds(found) | {"Tags": {tag["Key"]: tag["Value"] for tag in tags}}

        def resolve() -> dict[str, Any] | None:
            # Asked every 20 ms: what the job says of itself, not a whole call.
            if job is not None and job.members.get(kind.status, "") not in _OVER:
                return None
            description = describe()
            status = description[kind.status]
            if status not in _OVER:
                return None
            if status == "Completed":
                return description
            raise task_failure(
                env,
                StatesErrorNameType.StatesTaskFailed,
                json.dumps(description, separators=(",", ":"), ensure_ascii=False),
                resource=self._get_sfn_resource(),
                resource_type=self._get_sfn_resource_type(),
            )

        return resolve

    def cancel(self, env: Environment, submitted: Mapping[str, Any], region: str, credentials: Any) -> None:
        """Stop the job of an execution that has ended before it."""
        kind = _JOBS[self.resource.api_action]
        account = submitted[kind.arn].split(":")[4]
        job: Resource | None = STORE.by_arn(Caller(account, region), submitted[kind.arn])
        if job is None or job.members.get(kind.status) in _OVER:
            return
        client = boto_client_for(service="sagemaker", region=region, state_credentials=credentials)
        getattr(client, f"stop_{kind.snake}")(**{kind.name: job.name})

    def _from_error(self, env: Environment, ex: Exception) -> FailureEvent:
        if isinstance(ex, ClientError):
            return self._task_failed(env, CustomErrorName(error_name(ex)), _cause(ex))
        if isinstance(ex, ParamValidationError):
            name = StatesErrorName(typ=StatesErrorNameType.StatesRuntime)
            state = env.states.context_object.context_object_data["State"]["Name"]
            cause = (
                f"An error occurred while executing the state '{state}' (entered at the event id "
                f"#{getattr(env, '_mdlc_entered', 0)}). The Parameters could not be used to start the Task: "
                f"[{ex.kwargs['report']}]"
            )
            return self._task_failed(env, name, cause)
        return super()._from_error(env=env, ex=ex)

    def _task_failed(self, env: Environment, name: Any, cause: str) -> FailureEvent:
        details = TaskFailedEventDetails(
            error=name.error_name,
            cause=cause,
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
        )
        return FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )


def install() -> None:
    """Let state machines name SageMaker."""
    integrations.register("sagemaker", SageMakerTask)


def error_name(error: ClientError) -> str:
    """`SageMaker.ResourceLimitExceededException`, `SageMaker.AmazonSageMakerException`: what Retry and Catch
    name. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""
    code = error.response["Error"]["Code"]
    if code in _MODELLED:
        return f"SageMaker.{code.removesuffix('Exception')}Exception"
    return "SageMaker.AmazonSageMakerException"


def _cause(error: ClientError) -> str:
    said, metadata = error.response["Error"], error.response["ResponseMetadata"]
    where = (
        f"Service: AmazonSageMaker; Status Code: {metadata['HTTPStatusCode']}; "
        f"Error Code: {said['Code']}; Request ID: {metadata.get('RequestId', '')}; Proxy: null"
    )
    return f"{said['Message']} ({where})"


def _with_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of a call as such tasks put it out, with what the SDK for Java says of the exchange."""
    metadata = answer.pop("ResponseMetadata", {})
    headers = {str(name): str(value) for name, value in metadata.get("HTTPHeaders", {}).items()}
    return _in_milliseconds(answer) | {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": metadata.get("HTTPStatusCode", 200),
        },
        "SdkResponseMetadata": {"RequestId": metadata.get("RequestId", "")},
    }


def _in_milliseconds(value: Any) -> Any:
    """A JSON value: times as milliseconds since the epoch."""
    if isinstance(value, dict):
        return {name: _in_milliseconds(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_in_milliseconds(member) for member in value]
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return value
