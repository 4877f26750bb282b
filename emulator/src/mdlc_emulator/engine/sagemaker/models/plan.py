"""From a model's record to what is started: for each container a program, its environment, its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.jobs.surroundings import environment
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.models.data import ModelData
from mdlc_emulator.images.recipe import Program, Recipe, Use

PRIMARY = "primary"
"""How SageMaker calls the container of a model that has one only, in errors and reasons."""


class NotServableError(Exception):
    """The model cannot be served here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """One container of a model. `many` is the S3 prefix of its models where its Mode is MultiModel."""

    label: str
    image: str
    recipe: Recipe
    program: Program
    environment: Mapping[str, str]
    data: ModelData | None
    many: str | None
    cached: bool = True


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """All that one instance of the model runs. `direct`: containers are called by name, not in a row."""

    name: str
    caller: Caller
    containers: tuple[ContainerPlan, ...]
    isolated: bool
    direct: bool

    @property
    def images(self) -> list[str]:
        return [container.image for container in self.containers]


def plan(model: Resource, extra: Mapping[str, str] | None = None, *, isolated: bool = False) -> ModelPlan:
    """What serving `model` takes; `extra` is added to each container's environment, `isolated` takes the
    network away even where the model does not. NotServableError when an image is unknown or does not serve.
    Installs nothing."""
    members = model.members
    isolated = isolated or bool(members.get("EnableNetworkIsolation"))
    definitions = [members["PrimaryContainer"]] if "PrimaryContainer" in members else members["Containers"]
    return ModelPlan(
        model.name,
        model.caller,
        tuple(
            _container(model, definition, _label(definition, number, len(definitions)), isolated, extra or {})
            for number, definition in enumerate(definitions, 1)
        ),
        isolated,
        members.get("InferenceExecutionConfig", {}).get("Mode") == "Direct",
    )


def _label(definition: dict[str, Any], number: int, of: int) -> str:
    if "ContainerHostname" in definition:
        return str(definition["ContainerHostname"])
    return PRIMARY if of == 1 else f"container-{number}"


def _container(
    model: Resource, definition: dict[str, Any], label: str, isolated: bool, extra: Mapping[str, str]
) -> ContainerPlan:
    from mdlc_emulator.images.recipe import UnknownImage
    from mdlc_emulator.images.resolve import resolve

    try:
        recipe = resolve(definition["Image"])
        program = recipe.started(Use.SERVE)
    except UnknownImage as error:
        raise NotServableError(str(error)) from error
    many = definition["ModelDataUrl"] if definition["Mode"] == "MultiModel" else None
    own = {"SAGEMAKER_BIND_TO_PORT": "8080", "SAGEMAKER_REGION": model.caller.region}
    if many is not None:
        own["SAGEMAKER_MULTI_MODEL"] = "true"
    variables = environment(model.caller, program, own | definition.get("Environment", {}) | dict(extra))
    if isolated:  # nothing can be reached, so there are no credentials either
        for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            variables.pop(name, None)
    return ContainerPlan(
        label,
        definition["Image"],
        recipe,
        program,
        variables,
        None if many is not None else ModelData.of(definition),
        many,
        definition.get("MultiModelConfig", {}).get("ModelCacheSetting", "Enabled") == "Enabled",
    )
