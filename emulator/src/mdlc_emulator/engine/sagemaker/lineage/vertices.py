"""Whatever can stand at the end of an association, seen alike: entities of lineage and of experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.experiments.resources import COMPONENT, EXPERIMENT, TRIAL
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.lineage.resources import ACTION, ARTIFACT, CONTEXT, associations

OF_EXPERIMENTS = frozenset({"Experiment", "Trial", "TrialComponent"})

_KINDS = {
    "Action": ACTION,
    "Artifact": ARTIFACT,
    "Context": CONTEXT,
    "Experiment": EXPERIMENT,
    "Trial": TRIAL,
    "TrialComponent": COMPONENT,
}
_BY_PATH = {kind.path: noun for noun, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Vertex:
    """`noun` is the lineage type ("Artifact", "TrialComponent"), `type` the entity's own ("DataSet",
    "SageMakerTrainingJob")."""

    arn: str
    name: str
    noun: str
    type: str
    created: float
    modified: float
    properties: Mapping[str, str]

    @property
    def job_type(self) -> str:
        """The type as QueryLineage tells and filters it: TrainingJob for SageMakerTrainingJob."""
        return self.type.removeprefix("SageMaker") or self.type


def vertex(caller: Caller, arn: str) -> Vertex | None:
    """The entity with that ARN, None when there is none."""
    noun = _BY_PATH.get(arn.split(":", 5)[-1].partition("/")[0])
    if noun is None:
        return None
    found = STORE.shelf(_KINDS[noun], caller, Resource).find(arn)
    if found is None:
        return None
    return Vertex(
        arn=found.arn,
        name=found.members.get("ArtifactName", "") if noun == "Artifact" else found.name,
        noun=noun,
        type=_type(noun, found),
        created=found.created,
        modified=found.modified,
        properties=found.members.get("Properties", {}),
    )


def _type(noun: str, entity: Resource) -> str:
    if noun in ("Experiment", "Trial", "TrialComponent"):
        return str(entity.members.get("Source", {}).get("SourceType", noun))
    return str(entity.members[f"{noun}Type"])


def forget(caller: Caller, arn: str) -> None:
    """Take away all associations of an entity that is no more."""
    with STORE.lock:
        shelf = associations(caller)
        for association in list(shelf):
            if arn in (association.members["SourceArn"], association.members["DestinationArn"]):
                shelf.remove(association.name)
