"""AWS::Batch::* for CloudFormation.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Batch.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

import localstack.services.cloudformation.provider_utils as util
from localstack.aws.spec import load_service
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
    ResourceRequest,
)

from mdlc_emulator.engine.batch.environments import TRANSITION_SECONDS
from mdlc_emulator.engine.cloudformation.typed import to_request

type Model = dict[str, Any]

_PATIENCE = 600
"""How often a transition is looked at before it is given up."""
_PACE = threading.Event()


def _schema(identifier: str, *fixed: str) -> Model:
    """What LocalStack reads of a type's schema: the property that Ref returns, and those whose change means a
    new resource."""
    return {
        "primaryIdentifier": [f"/properties/{identifier}"],
        "createOnlyProperties": [f"/properties/{each}" for each in fixed],
    }


class _Resource(ResourceProvider[Any]):
    """`ID` is what Ref returns, `NAME` the property that names the resource."""

    ID: ClassVar[str]
    NAME: ClassVar[str]

    def read(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        return _done(request.desired_state)


class ComputeEnvironmentResource(_Resource):
    TYPE = "AWS::Batch::ComputeEnvironment"
    ID, NAME = "ComputeEnvironmentArn", "ComputeEnvironmentName"
    SCHEMA = _schema("ComputeEnvironmentArn", "ComputeEnvironmentName", "Type", "Tags", "EksConfiguration")

    def create(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model = _named(request, self.NAME)
        client = request.aws_client_factory.batch
        made = client.create_compute_environment(**_input("CreateComputeEnvironment", model))
        model[self.ID] = made["computeEnvironmentArn"]
        _await_environment(client, model[self.ID])
        return _done(model)

    def update(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model = _kept(request, self.NAME, self.ID)
        client = request.aws_client_factory.batch
        changed = _input("UpdateComputeEnvironment", {"ComputeEnvironment": model[self.ID]} | model)
        client.update_compute_environment(**changed)
        _await_environment(client, model[self.ID])
        return _done(model)

    def delete(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        client = request.aws_client_factory.batch
        arn = _last(request)[self.ID]
        if _environment(client, arn) is not None:
            client.update_compute_environment(computeEnvironment=arn, state="DISABLED")
            _await_environment(client, arn)
            client.delete_compute_environment(computeEnvironment=arn)
            _until(lambda: _environment(client, arn) is None)
        return _done({})


class JobQueueResource(_Resource):
    TYPE = "AWS::Batch::JobQueue"
    ID, NAME = "JobQueueArn", "JobQueueName"
    SCHEMA = _schema("JobQueueArn", "JobQueueName", "JobQueueType", "Tags")

    def create(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model = _named(request, self.NAME)
        client = request.aws_client_factory.batch
        model[self.ID] = client.create_job_queue(**_input("CreateJobQueue", model))["jobQueueArn"]
        _await_queue(client, model[self.ID])
        return _done(model)

    def update(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model = _kept(request, self.NAME, self.ID)
        client = request.aws_client_factory.batch
        client.update_job_queue(**_input("UpdateJobQueue", {"JobQueue": model[self.ID]} | model))
        _await_queue(client, model[self.ID])
        return _done(model)

    def delete(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        client = request.aws_client_factory.batch
        arn = _last(request)[self.ID]
        if _queue(client, arn) is not None:
            client.update_job_queue(jobQueue=arn, state="DISABLED")
            _await_queue(client, arn)
            client.delete_job_queue(jobQueue=arn)
            _until(lambda: _queue(client, arn) is None)
        return _done({})


class JobDefinitionResource(_Resource):
    """Every change registers a new revision, and deregisters the one before it."""

    TYPE = "AWS::Batch::JobDefinition"
    ID, NAME = "JobDefinitionArn", "JobDefinitionName"
    SCHEMA = _schema("JobDefinitionArn", "JobDefinitionName")

    def create(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model = _named(request, self.NAME)
        return self._register(request.aws_client_factory.batch, model)

    def update(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        client = request.aws_client_factory.batch
        before = _last(request)
        model = _kept(request, self.NAME, self.ID)
        answer = self._register(client, model)
        retention = before.get("ResourceRetentionPolicy") or {}
        if not retention.get("SkipDeregisterOnUpdate"):
            client.deregister_job_definition(jobDefinition=before[self.ID])
        return answer

    def delete(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        request.aws_client_factory.batch.deregister_job_definition(jobDefinition=_last(request)[self.ID])
        return _done({})

    def _register(self, client: Any, model: Model) -> ProgressEvent[Any]:
        made = client.register_job_definition(**_input("RegisterJobDefinition", model))
        model[self.ID] = made["jobDefinitionArn"]
        return _done(model)


class SchedulingPolicyResource(_Resource):
    TYPE = "AWS::Batch::SchedulingPolicy"
    ID, NAME = "Arn", "Name"
    SCHEMA = _schema("Arn", "Name", "Tags")

    def create(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model = _named(request, self.NAME)
        client = request.aws_client_factory.batch
        model[self.ID] = client.create_scheduling_policy(**_input("CreateSchedulingPolicy", model))["arn"]
        return _done(model)

    def update(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model = _kept(request, self.NAME, self.ID)
        request.aws_client_factory.batch.update_scheduling_policy(**_input("UpdateSchedulingPolicy", model))
        return _done(model)

    def delete(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        client = request.aws_client_factory.batch
        arn = _last(request)[self.ID]
        if client.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]:
            client.delete_scheduling_policy(arn=arn)
        return _done({})


def _input(operation: str, model: Model) -> Model:
    return to_request(model, load_service("batch").operation_model(operation).input_shape)


def _named(request: ResourceRequest[Any], member: str) -> Model:
    model: Model = request.desired_state
    if not model.get(member):
        model[member] = util.generate_default_name(
            stack_name=request.stack_name, logical_resource_id=request.logical_resource_id
        )
    return model


def _kept(request: ResourceRequest[Any], *members: str) -> Model:
    model: Model = request.desired_state
    before = _last(request)
    return model | {each: before[each] for each in members}


def _last(request: ResourceRequest[Any]) -> Model:
    found: Model = request.previous_state or request.desired_state
    return found


def _done(model: Model) -> ProgressEvent[Any]:
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def _environment(client: Any, arn: str) -> Model | None:
    found = client.describe_compute_environments(computeEnvironments=[arn])["computeEnvironments"]
    return found[0] if found else None


def _queue(client: Any, arn: str) -> Model | None:
    found = client.describe_job_queues(jobQueues=[arn])["jobQueues"]
    return found[0] if found else None


def _await_environment(client: Any, arn: str) -> None:
    _until(lambda: _settled(_environment(client, arn)))


def _await_queue(client: Any, arn: str) -> None:
    _until(lambda: _settled(_queue(client, arn)))


def _settled(found: Model | None) -> bool:
    return found is not None and found["status"] in ("VALID", "INVALID")


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(_PATIENCE):
        if condition():
            return
        _PACE.wait(TRANSITION_SECONDS / 2)
    raise TimeoutError("The resource did not reach the state that CloudFormation waits for.")
