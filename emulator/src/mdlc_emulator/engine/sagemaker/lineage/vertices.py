"""Whatever can stand at the end of an association, seen alike: entities of lineage and of experiments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.resource import Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.lineage.resources import associations

OF_EXPERIMENTS = frozenset({"Experiment", "Trial", "TrialComponent"})

_NOUNS = {
    "action": "Action",
    "artifact": "Artifact",
    "context": "Context",
    "experiment": "Experiment",
    "experiment-trial": "Trial",
    "experiment-trial-component": "TrialComponent",
}
"""What a resource's ARN calls it -> its lineage type."""


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
    noun = _NOUNS.get(arn.split(":", 5)[-1].partition("/")[0])
    found = STORE.by_arn(caller, arn)
    if noun is None or found is None:
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
    if noun in OF_EXPERIMENTS:
        return str(entity.members.get("Source", {}).get("SourceType", noun))
    return str(entity.members[f"{noun}Type"])


def forget(caller: Caller, arn: str) -> None:
    """Take away all associations of an entity that is no more."""
    with STORE.lock:
        shelf = associations(caller)
        for association in list(shelf):
            if arn in (association.members["SourceArn"], association.members["DestinationArn"]):
                shelf.remove(association.name)
