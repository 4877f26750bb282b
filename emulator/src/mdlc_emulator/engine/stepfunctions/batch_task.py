"""Task states of arn:aws:states:::batch:submitJob, with and without `.sync`.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html. LocalStack's own task for Batch does
most; here it learns the newer parameters, AWS's name for errors that Batch's model does not have, and to
terminate the job of an execution that ends first.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from localstack.aws.api.stepfunctions import HistoryEventType
from localstack.services.stepfunctions.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import FailureEvent
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_batch as stock,
)
from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localstack.services.stepfunctions.asl.utils.boto_client import boto_client_for

from mdlc_emulator.engine.stepfunctions import integrations

_PARAMETERS = {
    "submitjob": {
        "ArrayProperties",
        "ConsumableResourcePropertiesOverride",
        "ContainerOverrides",
        "DependsOn",
        "EcsPropertiesOverride",
        "EksPropertiesOverride",
        "JobDefinition",
        "JobName",
        "JobQueue",
        "NodeOverrides",
        "Parameters",
        "PropagateTags",
        "RetryStrategy",
        "SchedulingPriorityOverride",
        "ShareIdentifier",
        "Tags",
        "Timeout",
    }
}
_MODELLED = ("ClientException", "ServerException")
ENDED_FIRST = "The Step Functions execution that started the job has ended."


class BatchTask(stock.StateTaskServiceBatch):
    """One Task state."""

    def _get_supported_parameters(self) -> set[str] | None:
        return _PARAMETERS.get(self.resource.api_action.lower())

    def _from_error(self, env: Any, ex: Exception) -> FailureEvent:
        """As the Java SDK names exceptions: the model's by their names, all others AWSBatchException."""
        event = super()._from_error(env=env, ex=ex)
        if not isinstance(ex, ClientError) or ex.response["Error"]["Code"] in _MODELLED:
            return event
        name = "Batch.AWSBatchException"
        stock_details: Any = event.event_details
        details: Any = {**stock_details["taskFailedEventDetails"], "error": name}
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(name),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )

    def cancel(self, env: Any, submitted: Any, region: str, credentials: Any) -> None:
        """The execution was stopped or has timed out: its job is terminated."""
        client = boto_client_for(service="batch", region=region, state_credentials=credentials)
        client.terminate_job(jobId=submitted["JobId"], reason=ENDED_FIRST)


def install() -> None:
    integrations.register("batch", BatchTask)
