"""AWS::SageMaker::Model, EndpointConfig, Endpoint and ModelPackageGroup for CloudFormation.

What Ref and GetAtt give, and which properties replace the resource:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SageMaker.html
"""

from __future__ import annotations

import json
import threading
from typing import Any, ClassVar

import localstack.services.cloudformation.provider_utils as util
from botocore.exceptions import ClientError
from localstack.aws.spec import load_service
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
    ResourceRequest,
)

from mdlc_emulator.engine.cloudformation.typed import to_request

type Model = dict[str, Any]

_PACE = 0.05
_MOVING = ("Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting")


class _Resource(ResourceProvider[Any]):
    """A resource named by `NOUN`: Ref gives its ARN, which the model keeps as `Id` or under its own name."""

    NOUN: ClassVar[str]
    SNAKE: ClassVar[str]
    ID: ClassVar[str] = "Id"

    @property
    def name(self) -> str:
        """The property that names the resource."""
        return f"{self.NOUN}Name"

    def create(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: Model = request.desired_state
        if not model.get(self.name):
            model[self.name] = util.generate_default_name(request.stack_name, request.logical_resource_id)
        client = _client(request)
        asked = _input(f"Create{self.NOUN}", model)
        made = getattr(client, f"create_{self.SNAKE}")(**asked)
        model[self.ID] = made[f"{self.NOUN}Arn"]
        return self.settled(client, model)

    def update(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        before: Model = request.previous_state or {}
        model: Model = request.desired_state | {each: before[each] for each in (self.name, self.ID)}
        client = _client(request)
        _tag(client, model[self.ID], before.get("Tags") or [], model.get("Tags") or [])
        return self.changed(client, model, before)

    def delete(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: Model = request.previous_state or request.desired_state
        client = _client(request)
        name = model[self.name]
        if _described(client, self.SNAKE, self.name, name) is not None:
            getattr(client, f"delete_{self.SNAKE}")(**{self.name: name})
            while _described(client, self.SNAKE, self.name, name) is not None:
                _pause()
        return _done({})

    def read(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        return _done(request.desired_state)

    def settled(self, client: Any, model: Model) -> ProgressEvent[Any]:
        """After the resource was made: what CloudFormation waits for."""
        return _done(model)

    def changed(self, client: Any, model: Model, before: Model) -> ProgressEvent[Any]:
        """Change what can be changed without a new resource, tags apart."""
        return _done(model)


def _schema(kind: str, identifier: str, *fixed: str) -> Model:
    """`fixed`: properties that cannot change; a new resource takes the place of the old one."""
    return {
        "typeName": f"AWS::SageMaker::{kind}",
        "primaryIdentifier": [f"/properties/{identifier}"],
        "createOnlyProperties": [f"/properties/{each}" for each in fixed],
    }


class ModelResource(_Resource):
    NOUN, SNAKE = "Model", "model"
    SCHEMA = _schema(
        "Model",
        "Id",
        *("ModelName", "ExecutionRoleArn", "PrimaryContainer", "Containers", "InferenceExecutionConfig"),
        *("VpcConfig", "EnableNetworkIsolation"),
    )


class EndpointConfigResource(_Resource):
    NOUN, SNAKE = "EndpointConfig", "endpoint_config"
    SCHEMA = _schema(
        "EndpointConfig",
        "Id",
        *("EndpointConfigName", "ProductionVariants", "ShadowProductionVariants", "DataCaptureConfig"),
        *("AsyncInferenceConfig", "ExplainerConfig", "KmsKeyId", "VpcConfig", "EnableNetworkIsolation"),
        "ExecutionRoleArn",
    )


class EndpointResource(_Resource):
    """Is made when its servers answer, and fails with their reason when they do not."""

    NOUN, SNAKE = "Endpoint", "endpoint"
    SCHEMA = _schema("Endpoint", "Id", "EndpointName")

    def settled(self, client: Any, model: Model) -> ProgressEvent[Any]:
        found = _at_rest(client, model["EndpointName"])
        if found["EndpointStatus"] != "InService":
            return _failed(model, found.get("FailureReason") or f"The endpoint is {found['EndpointStatus']}.")
        return _done(model)

    def changed(self, client: Any, model: Model, before: Model) -> ProgressEvent[Any]:
        name, wanted = model["EndpointName"], model["EndpointConfigName"]
        if wanted == before["EndpointConfigName"]:
            return _done(model)
        client.update_endpoint(**_input("UpdateEndpoint", model))
        found = _at_rest(client, name)
        if found["EndpointStatus"] != "InService" or found["EndpointConfigName"] != wanted:
            return _failed(model, found.get("FailureReason") or f"The update to {wanted} was rolled back.")
        return _done(model)


class ModelPackageGroupResource(_Resource):
    NOUN, SNAKE, ID = "ModelPackageGroup", "model_package_group", "ModelPackageGroupArn"
    SCHEMA = _schema(
        "ModelPackageGroup",
        "ModelPackageGroupArn",
        *("ModelPackageGroupName", "ModelPackageGroupDescription"),
    )

    def settled(self, client: Any, model: Model) -> ProgressEvent[Any]:
        self._put_policy(client, model)
        found = client.describe_model_package_group(ModelPackageGroupName=model["ModelPackageGroupName"])
        model["ModelPackageGroupStatus"] = found["ModelPackageGroupStatus"]
        model["CreationTime"] = found["CreationTime"].isoformat()
        return _done(model)

    def changed(self, client: Any, model: Model, before: Model) -> ProgressEvent[Any]:
        if model.get("ModelPackageGroupPolicy") != before.get("ModelPackageGroupPolicy"):
            self._put_policy(client, model)
        kept = {each: before.get(each) for each in ("ModelPackageGroupStatus", "CreationTime")}
        return _done(model | kept)

    def _put_policy(self, client: Any, model: Model) -> None:
        policy = model.get("ModelPackageGroupPolicy")
        if policy is not None:
            client.put_model_package_group_policy(
                ModelPackageGroupName=model["ModelPackageGroupName"],
                ResourcePolicy=policy if isinstance(policy, str) else json.dumps(policy),
            )


def _client(request: ResourceRequest[Any]) -> Any:
    return request.aws_client_factory.sagemaker


def _input(operation: str, model: Model) -> Model:
    return to_request(model, load_service("sagemaker").operation_model(operation).input_shape)


def _described(client: Any, snake: str, member: str, name: str) -> Model | None:
    """None when it is gone."""
    try:
        found: Model = getattr(client, f"describe_{snake}")(**{member: name})
    except ClientError as error:
        text = error.response["Error"]["Message"]
        if "Could not find" in text or "does not exist" in text:
            return None
        raise
    return found


def _at_rest(client: Any, name: str) -> Model:
    """The endpoint, once it neither starts nor changes."""
    while True:
        found: Model = client.describe_endpoint(EndpointName=name)
        if found["EndpointStatus"] not in _MOVING:
            return found
        _pause()


def _tag(client: Any, arn: str, before: list[Model], wanted: list[Model]) -> None:
    gone = {tag["Key"] for tag in before} - {tag["Key"] for tag in wanted}
    if gone:
        client.delete_tags(ResourceArn=arn, TagKeys=sorted(gone))
    if wanted and wanted != before:
        client.add_tags(ResourceArn=arn, Tags=wanted)


def _pause() -> None:
    threading.Event().wait(_PACE)


def _done(model: Model) -> ProgressEvent[Any]:
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def _failed(model: Model, message: str) -> ProgressEvent[Any]:
    return ProgressEvent(status=OperationStatus.FAILED, resource_model=model, message=message)
