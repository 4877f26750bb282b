"""AWS::ECR::Repository for CloudFormation, with all its properties.

LocalStack's makes no repository at all, and its URI is that of the gateway: a job definition that joins it
with a tag would name no image.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html
"""

from __future__ import annotations

import json
from typing import Any

import localstack.services.cloudformation.provider_utils as util
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceRequest,
)
from localstack.services.ecr.resource_providers.aws_ecr_repository import ECRRepositoryProvider
from localstack.services.ecr.resource_providers.aws_ecr_repository_plugin import (
    ECRRepositoryProviderPlugin,
)

type Model = dict[str, Any]


class RepositoryResource(ECRRepositoryProvider):
    def create(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: Model = request.desired_state
        if not model.get("RepositoryName"):
            model["RepositoryName"] = util.generate_default_name(
                stack_name=request.stack_name, logical_resource_id=request.logical_resource_id
            ).lower()
        client = request.aws_client_factory.ecr
        settings: Model = {}
        if encryption := model.get("EncryptionConfiguration"):
            settings["encryptionConfiguration"] = _lower(encryption)
        made = client.create_repository(
            repositoryName=model["RepositoryName"],
            imageTagMutability=_mutability(model),
            imageScanningConfiguration=_scanning(model),
            tags=model.get("Tags") or [],
            **settings,
        )["repository"]
        model["Arn"], model["RepositoryUri"] = made["repositoryArn"], made["repositoryUri"]
        _settle(client, model, {})
        return _done(model)

    def update(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        before: Model = request.previous_state or {}
        model = {
            **request.desired_state,
            **{each: before[each] for each in ("RepositoryName", "Arn", "RepositoryUri")},
        }
        client = request.aws_client_factory.ecr
        name = model["RepositoryName"]
        if _mutability(model) != _mutability(before):
            client.put_image_tag_mutability(repositoryName=name, imageTagMutability=_mutability(model))
        if _scanning(model) != _scanning(before):
            client.put_image_scanning_configuration(
                repositoryName=name, imageScanningConfiguration=_scanning(model)
            )
        gone = {tag["Key"] for tag in before.get("Tags") or ()} - {
            tag["Key"] for tag in model.get("Tags") or ()
        }
        if gone:
            client.untag_resource(resourceArn=model["Arn"], tagKeys=sorted(gone))
        if model.get("Tags"):
            client.tag_resource(resourceArn=model["Arn"], tags=model["Tags"])
        _settle(client, model, before)
        return _done(model)

    def delete(self, request: ResourceRequest[Any]) -> ProgressEvent[Any]:
        model: Model = request.previous_state or request.desired_state
        client = request.aws_client_factory.ecr
        try:
            client.delete_repository(
                repositoryName=model["RepositoryName"], force=bool(model.get("EmptyOnDelete", False))
            )
        except client.exceptions.RepositoryNotFoundException:
            # Somebody else has removed it: it is gone, as wanted.
            return _done({})
        return _done({})


def _settle(client: Any, model: Model, before: Model) -> None:
    """Lifecycle policy and permissions, where they differ from `before`."""
    name = model["RepositoryName"]
    wanted, known = _lifecycle(model), _lifecycle(before)
    if wanted is not None and wanted != known:
        client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=wanted)
    elif wanted is None and known is not None:
        client.delete_lifecycle_policy(repositoryName=name)
    policy, old = model.get("RepositoryPolicyText"), before.get("RepositoryPolicyText")
    if policy is not None and policy != old:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        client.set_repository_policy(repositoryName=name, policyText=text)
    elif policy is None and old is not None:
        client.delete_repository_policy(repositoryName=name)


def _lifecycle(model: Model) -> str | None:
    return (model.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")


def _mutability(model: Model) -> str:
    return str(model.get("ImageTagMutability") or "MUTABLE")


def _scanning(model: Model) -> dict[str, bool]:
    given = (model.get("ImageScanningConfiguration") or {}).get("ScanOnPush", False)
    return {"scanOnPush": str(given).lower() == "true"}


def _lower(value: Model) -> Model:
    return {key[:1].lower() + key[1:]: each for key, each in value.items()}


def _done(model: Model) -> ProgressEvent[Any]:
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def install() -> None:
    """Let the resource type load ours."""
    if "load" not in vars(ECRRepositoryProviderPlugin):
        raise RuntimeError("ECRRepositoryProviderPlugin.load is gone: this LocalStack cannot be patched.")

    def load(plugin: ECRRepositoryProviderPlugin) -> None:
        plugin.factory = RepositoryResource

    setattr(ECRRepositoryProviderPlugin, "load", load)  # noqa: B010
