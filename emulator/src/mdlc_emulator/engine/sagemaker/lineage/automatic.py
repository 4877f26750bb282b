"""The artifacts and associations that SageMaker keeps of jobs and of model packages by itself.

https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html
"""

from __future__ import annotations

from collections.abc import Mapping

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.lineage.entities import ACTIONS, ARTIFACTS, CONTEXTS
from mdlc_emulator.engine.sagemaker.lineage.graph import associate
from mdlc_emulator.engine.sagemaker.lineage.resources import (
    actions,
    artifacts,
    association_name,
    associations,
    contexts,
    digest,
)

_IMAGE = "SageMaker.ImageUri"
_MODEL = "SageMaker.ModelArtifact"


def artifact(caller: Caller, uri: str, kind: str, name: str | None = None) -> Resource:
    """The artifact of that URI, made where there is none yet."""
    source = {"SourceUri": uri}
    with STORE.lock:
        found = artifacts(caller).find(digest(source))
        if found is not None:
            return found
        members = {"Source": source, "ArtifactType": kind} | ({"ArtifactName": name} if name else {})
        return ARTIFACTS.make(caller, digest(source), members)


def link(caller: Caller, source: str, destination: str, kind: str) -> None:
    """An association, unless it is there."""
    with STORE.lock:
        if associations(caller).find(association_name(source, destination)) is None:
            associate(caller, source, destination, kind)


def consumed(caller: Caller, component: str, inputs: Mapping[str, Mapping[str, str]]) -> None:
    """A job's image and data contributed to its component."""
    for name, each in inputs.items():
        kind = "Image" if name == _IMAGE else "DataSet"
        link(caller, artifact(caller, each["Value"], kind).arn, component, "ContributedTo")


def served(caller: Caller, component: str, model: str) -> None:
    """The data of the model that a job serves contributed to its component."""
    found = next(
        (
            each
            for kind, shelf in STORE.shelves(caller)
            if kind.path == "model" and (each := shelf.find(model)) is not None
        ),
        None,
    )
    if found is None:
        return
    for container in found.members.get("Containers") or [found.members.get("PrimaryContainer", {})]:
        source = container.get("ModelDataSource", {}).get("S3DataSource", {})
        if uri := container.get("ModelDataUrl") or source.get("S3Uri"):
            link(caller, artifact(caller, uri, "Model").arn, component, "ContributedTo")


def produced(caller: Caller, component: str, outputs: Mapping[str, Mapping[str, str]]) -> None:
    """A job's component produced its model or its data."""
    for name, each in outputs.items():
        kind = "Model" if name == _MODEL else "DataSet"
        link(caller, component, artifact(caller, each["Value"], kind).arn, "Produced")


def package_registered(
    caller: Caller, arn: str, group_arn: str | None, images: list[str], models: list[str]
) -> None:
    """A model package: an artifact of its own, to which its images and model data contributed, and the
    context of its group."""
    with STORE.lock:
        package = artifact(caller, arn, "Model", name=arn.partition("/")[2])
        for uri in models:
            link(caller, artifact(caller, uri, "Model").arn, package.arn, "ContributedTo")
        for uri in images:
            link(caller, artifact(caller, uri, "Image").arn, package.arn, "ContributedTo")
        if group_arn is not None:
            name = f"{group_arn.rpartition('/')[2]}-aws-model-group"[:120]
            members = {
                "Source": {"SourceUri": group_arn, "SourceType": "ARN"},
                "ContextType": "ModelGroup",
            }
            group = contexts(caller).find(name) or CONTEXTS.make(caller, name, members)
            link(caller, package.arn, group.arn, "AssociatedWith")


def package_reviewed(caller: Caller, arn: str, status: str) -> None:
    """The approval of a model package is an action that its artifact contributed to."""
    with STORE.lock:
        name = f"{'-'.join(arn.split('/')[1:])}-aws-model-approval"[-120:].lstrip("-")
        found = actions(caller).find(name)
        if found is None:
            members = {
                "Source": {"SourceUri": arn, "SourceType": "ARN"},
                "ActionType": "Approval",
                "Status": "Completed",
                "Properties": {"ModelApprovalStatus": status},
            }
            found = ACTIONS.make(caller, name, members)
        else:
            found.members = found.members | {"Properties": {"ModelApprovalStatus": status}}
            found.touch()
        link(caller, artifact(caller, arn, "Model").arn, found.arn, "ContributedTo")
