"""Job definitions and their revisions. Pure.

Source: https://docs.aws.amazon.com/batch/latest/userguide/job_definitions.html and
https://docs.aws.amazon.com/batch/latest/APIReference/API_RegisterJobDefinition.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.container_rules import check_container, normal
from mdlc_emulator.engine.batch.errors import client_error, invalid, not_here
from mdlc_emulator.engine.batch.model import Definition, Store
from mdlc_emulator.engine.batch.names import arn, check_name, check_tags, short
from mdlc_emulator.engine.batch.paging import page
from mdlc_emulator.engine.batch.retrying import check_strategy

type Request = dict[str, Any]
type Response = dict[str, Any]

SHORTEST_TIMEOUT = 60
_REFUSED = {
    "nodeProperties": ("multi-node parallel jobs", "register a definition of type container."),
    "eksProperties": ("Kubernetes", "describe the container by containerProperties."),
    "ecsProperties": ("tasks of several containers", "describe one container by containerProperties."),
    "consumableResourceProperties": ("consumable resources", "leave out consumableResourceProperties."),
}
_KEPT = ("type", "schedulingPriority", "propagateTags")


class Definitions:
    """The operations on job definitions; each name has its revisions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, caller: Caller, request: Request) -> Response:
        name = request["jobDefinitionName"]
        check_name(name, "Job definition name")
        members = _checked(request)
        tags = dict(request.get("tags") or {})
        check_tags(tags)
        with self._store.lock:
            revisions = self._store.of(caller).definitions.setdefault(name, [])
            revision = revisions[-1].revision + 1 if revisions else 1
            made = Definition(
                caller=caller,
                name=name,
                revision=revision,
                arn=f"{arn(caller, 'job-definition', name)}:{revision}",
                status="ACTIVE",
                members=members,
                tags=tags,
            )
            revisions.append(made)
        return {"jobDefinitionName": name, "jobDefinitionArn": made.arn, "revision": revision}

    def deregister(self, caller: Caller, request: Request) -> Response:
        """One revision becomes INACTIVE; it can be described, and no longer be submitted."""
        given = request["jobDefinition"]
        with self._store.lock:
            name, revision = _split(given)
            if revision is None:
                raise invalid("Job definition must be given as name:revision or as an ARN")
            for each in self._store.of(caller).definitions.get(name, ()):
                if each.revision == revision:
                    each.status = "INACTIVE"
        return {}

    def describe(self, caller: Caller, request: Request) -> Response:
        wanted = request.get("jobDefinitions")
        name = request.get("jobDefinitionName")
        status = request.get("status")
        if wanted and request.get("maxResults") is not None:
            raise invalid("JobDefinitions and MaxResults cannot both be set")
        if wanted and name:
            raise invalid("JobDefinitions and JobDefinitionName cannot both be set")
        with self._store.lock:
            known = self._store.of(caller).definitions
            if wanted:
                found = [each for one in wanted for each in self._named(caller, one)]
            else:
                lists = [known.get(name, [])] if name else [known[each] for each in sorted(known)]
                found = [each for revisions in lists for each in reversed(revisions)]
            found = [each for each in found if status in (None, each.status)]
            chosen, more = page(found, request, most=100, key="arn")
            return {"jobDefinitions": [_shape(each) for each in chosen], **more}

    def find(self, caller: Caller, given: str) -> Definition:
        """The ACTIVE revision that a job names: the newest one when it names none."""
        found = [each for each in self._named(caller, given) if each.status == "ACTIVE"]
        if found:
            return found[0]
        if given.startswith("arn:"):
            raise client_error(f"JobDefinition {given} not found.")
        raise client_error(f"JobDefinition name {given} does not exist or is not in ACTIVE status")

    def _named(self, caller: Caller, given: str) -> list[Definition]:
        """The revisions that `name`, `name:revision` or an ARN names, newest first."""
        name, revision = _split(given)
        if given.startswith("arn:") and not given.startswith(arn(caller, "job-definition", name)):
            return []
        revisions = self._store.of(caller).definitions.get(name, [])
        return [each for each in reversed(revisions) if revision in (None, each.revision)]


def check_timeout(timeout: dict[str, Any] | None) -> int | None:
    """Seconds of an attempt; None when it has no limit."""
    if not timeout or timeout.get("attemptDurationSeconds") is None:
        return None
    seconds: int = timeout["attemptDurationSeconds"]
    if seconds < SHORTEST_TIMEOUT:
        raise invalid(f"Timeout attemptDurationSeconds must be at least {SHORTEST_TIMEOUT} seconds")
    return seconds


def _checked(request: Request) -> dict[str, Any]:
    for member, (what, way_out) in _REFUSED.items():
        if request.get(member):
            raise not_here(what, way_out)
    if request["type"] != "container":
        raise not_here(*_REFUSED["nodeProperties"])
    capabilities = list(request.get("platformCapabilities") or ())
    unknown = [each for each in capabilities if each not in ("EC2", "FARGATE")]
    if unknown:
        raise invalid(f"Platform capability {unknown[0]} must be one of EC2, FARGATE")
    properties = request.get("containerProperties")
    if not properties:
        raise invalid("Container properties should not be empty")
    check_container(properties, fargate="FARGATE" in capabilities)
    priority = request.get("schedulingPriority")
    if priority is not None and not 0 <= priority <= 9999:
        raise invalid("schedulingPriority must be between 0 and 9999")
    members = {member: request[member] for member in _KEPT if request.get(member) is not None}
    members["parameters"] = dict(request.get("parameters") or {})
    members["containerProperties"] = normal(properties)
    if capabilities:
        members["platformCapabilities"] = capabilities
    if request.get("retryStrategy") is not None:
        members["retryStrategy"] = check_strategy(request["retryStrategy"])
    if (seconds := check_timeout(request.get("timeout"))) is not None:
        members["timeout"] = {"attemptDurationSeconds": seconds}
    return members


def _split(given: str) -> tuple[str, int | None]:
    name, _, revision = short(given).partition(":")
    if not revision:
        return name, None
    if not revision.isdigit():
        raise client_error(f"Provided name {given} is not supported pattern[a-zA-Z_0-9-]{{1,128}}")
    return name, int(revision)


def _shape(definition: Definition) -> Response:
    return {
        "jobDefinitionName": definition.name,
        "jobDefinitionArn": definition.arn,
        "revision": definition.revision,
        "status": definition.status,
        "tags": dict(definition.tags),
        "containerOrchestrationType": "ECS",
        **definition.members,
    }
