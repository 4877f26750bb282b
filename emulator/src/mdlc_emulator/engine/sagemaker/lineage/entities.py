"""Actions, artifacts and contexts: what can be said of them is nearly the same.

https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-entities.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.people import user_context
from mdlc_emulator.engine.sagemaker.kernel.resource import (
    Operation,
    Request,
    Resource,
    Response,
    moment,
)
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.lineage.resources import (
    actions,
    artifacts,
    associations,
    contexts,
    digest,
    group_arn,
)

MOST_PROPERTIES = 30
"""Of one entity, as the model limits each request."""


class Entities:
    """The five operations of one noun. `asked` are the members that Create keeps, `updated` those that
    Update may change beside Properties, `listed` those that List shows."""

    def __init__(
        self,
        noun: str,
        shelf: Callable[[Caller], Shelf[Resource]],
        asked: tuple[str, ...],
        updated: tuple[str, ...],
        listed: tuple[str, ...],
    ) -> None:
        self._noun, self._shelf = noun, shelf
        self._asked, self._updated, self._listed = asked, updated, listed
        self._listing = Listing[Resource](
            f"{noun}Summaries",
            self._summary,
            filters={
                "SourceUri": lambda entity, uri: entity.members["Source"]["SourceUri"] == uri,
                f"{noun}Type": lambda entity, wanted: entity.members[f"{noun}Type"] == wanted,
            },
        )

    def operations(self) -> dict[str, Operation]:
        return {
            f"Create{self._noun}": self.create,
            f"Describe{self._noun}": self.describe,
            f"Update{self._noun}": self.update,
            f"Delete{self._noun}": self.delete,
            f"List{self._noun}s": self.list,
        }

    def create(self, caller: Caller, request: Request) -> Response:
        check_tags(request.get("Tags"))
        members = {member: request[member] for member in self._asked if member in request}
        entity = self.make(caller, self.name_of(request), members)
        tag(entity, request.get("Tags"))
        return {f"{self._noun}Arn": entity.arn}

    def make(self, caller: Caller, name: str, members: dict[str, Any]) -> Resource:
        """A new entity on its shelf. ValidationException when the name is taken."""
        shelf = self._shelf(caller)
        return shelf.add(Resource(name, shelf.arn(name), caller, members))

    def name_of(self, request: Request) -> str:
        if self._noun == "Artifact":
            return digest(request["Source"])
        return str(request[f"{self._noun}Name"])

    def find(self, caller: Caller, request: Request) -> Resource:
        """By ARN or name; artifacts by ARN or source."""
        if self._noun != "Artifact":
            return self._shelf(caller).get(request[f"{self._noun}Name"])
        if ("ArtifactArn" in request) == ("Source" in request):
            raise invalid("Exactly one of ArtifactArn and Source must be specified.")
        return self._shelf(caller).get(request.get("ArtifactArn") or digest(request["Source"]))

    def describe(self, caller: Caller, request: Request) -> Response:
        entity = self.find(caller, request)
        who = user_context(caller)
        shown = {
            f"{self._noun}Arn": entity.arn,
            "CreationTime": moment(entity.created),
            "CreatedBy": who,
            "LastModifiedTime": moment(entity.modified),
            "LastModifiedBy": who,
            "LineageGroupArn": group_arn(caller),
            **entity.members,
        }
        return shown if self._noun == "Artifact" else shown | {f"{self._noun}Name": entity.name}

    def update(self, caller: Caller, request: Request) -> Response:
        with STORE.lock:
            entity = self.find(caller, {k: v for k, v in request.items() if k != "Source"})
            members = entity.members | {m: request[m] for m in self._updated if m in request}
            properties = dict(members.get("Properties", {})) | request.get("Properties", {})
            for name in request.get("PropertiesToRemove", ()):
                properties.pop(name, None)
            if len(properties) > MOST_PROPERTIES:
                raise invalid(f"{self._noun} has at most {MOST_PROPERTIES} properties.")
            members.pop("Properties", None)
            if properties:
                members["Properties"] = properties
            entity.members = members
            entity.touch()
        return {f"{self._noun}Arn": entity.arn}

    def delete(self, caller: Caller, request: Request) -> Response:
        """Its associations must have been deleted before."""
        with STORE.lock:
            entity = self.find(caller, request)
            for association in associations(caller):
                if entity.arn in (association.members["SourceArn"], association.members["DestinationArn"]):
                    raise invalid(
                        f"{self._noun} '{entity.arn}' has 1 or more associations and cannot be deleted."
                    )
            self._shelf(caller).remove(entity.name)
        return {f"{self._noun}Arn": entity.arn}

    def list(self, caller: Caller, request: Request) -> Response:
        return self._listing.answer(self._shelf(caller), request)

    def _summary(self, entity: Resource) -> dict[str, Any]:
        summary = {
            f"{self._noun}Arn": entity.arn,
            "CreationTime": moment(entity.created),
            "LastModifiedTime": moment(entity.modified),
        }
        if self._noun != "Artifact":
            summary[f"{self._noun}Name"] = entity.name
        return summary | {m: entity.members[m] for m in self._listed if m in entity.members}


ACTIONS = Entities(
    "Action",
    actions,
    asked=("Source", "ActionType", "Description", "Status", "Properties", "MetadataProperties"),
    updated=("Description", "Status"),
    listed=("Source", "ActionType", "Status"),
)
ARTIFACTS = Entities(
    "Artifact",
    artifacts,
    asked=("ArtifactName", "Source", "ArtifactType", "Properties", "MetadataProperties"),
    updated=("ArtifactName",),
    listed=("ArtifactName", "Source", "ArtifactType"),
)
CONTEXTS = Entities(
    "Context",
    contexts,
    asked=("Source", "ContextType", "Description", "Properties"),
    updated=("Description",),
    listed=("Source", "ContextType"),
)

OPERATIONS: dict[str, Operation] = {
    **ACTIONS.operations(),
    **ARTIFACTS.operations(),
    **CONTEXTS.operations(),
}
