"""Compute environments: create, update, describe, delete. Pure.

Source: https://docs.aws.amazon.com/batch/latest/userguide/compute_environments.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.environment_rules import check_environment, check_resources
from mdlc_emulator.engine.batch.errors import client_error, invalid, not_here
from mdlc_emulator.engine.batch.model import Environment, Store
from mdlc_emulator.engine.batch.names import arn, check_name, check_tags, short
from mdlc_emulator.engine.batch.paging import page

type Request = dict[str, Any]
type Response = dict[str, Any]

TRANSITION_SECONDS = 0.05
"""How long an environment or a queue is CREATING, UPDATING or DELETING."""
HEALTHY = "ComputeEnvironment Healthy"
_KEPT = ("serviceRole", "updatePolicy", "context", "ecsSettings", "unmanagedvCpus")


class Environments:
    """`changed` is called after every transition: jobs may have gained or lost a place."""

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store, self._changed = store, changed

    def create(self, caller: Caller, request: Request) -> Response:
        name = request["computeEnvironmentName"]
        check_name(name, "Compute environment name")
        check_environment(request)
        tags = dict(request.get("tags") or {})
        check_tags(tags)
        with self._store.lock:
            known = self._store.of(caller).environments
            if name in known:
                raise client_error("Object already exists")
            number = str(uuid.uuid4())
            made = Environment(
                caller=caller,
                name=name,
                arn=arn(caller, "compute-environment", name),
                type=request["type"],
                state=request.get("state") or "ENABLED",
                status="CREATING",
                status_reason="",
                resources=_resources(request.get("computeResources")),
                uuid=number,
                cluster=_cluster(caller, name, number),
                members={member: request[member] for member in _KEPT if request.get(member) is not None},
                tags=tags,
            )
            known[name] = made
        self._settle(made)
        return _named(made)

    def update(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            found = self.find(caller, request["computeEnvironment"])
            if found.status not in ("VALID", "INVALID"):
                raise client_error("Cannot update, resource is being modified")
            changes = request.get("computeResources") or {}
            if changes and found.resources is None:
                raise invalid("computeResources must not be set for an UNMANAGED compute environment")
            if request.get("eksConfiguration"):
                raise not_here("Kubernetes", "leave out eksConfiguration.")
            if changes and found.resources is not None:
                kept = {key: value for key, value in changes.items() if key != "updateToLatestImageVersion"}
                resources = found.resources | kept
                check_resources(resources)
                found.resources = resources
            found.state = request.get("state") or found.state
            for member in _KEPT:
                if request.get(member) is not None:
                    found.members[member] = request[member]
            found.status = "UPDATING"
        self._settle(found)
        return _named(found)

    def describe(self, caller: Caller, request: Request) -> Response:
        wanted = request.get("computeEnvironments")
        if wanted and request.get("maxResults") is not None:
            raise invalid("ComputeEnvironments and MaxResults cannot both be set")
        with self._store.lock:
            known = self._store.of(caller).environments
            if wanted:
                names = {short(each) for each in wanted}
                return {
                    "computeEnvironments": [_shape(each) for each in known.values() if each.name in names]
                }
            found, more = page(
                sorted(known.values(), key=lambda each: each.name), request, most=100, key="name"
            )
            return {"computeEnvironments": [_shape(each) for each in found], **more}

    def delete(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            partition = self._store.of(caller)
            found = partition.environments.get(short(request["computeEnvironment"]))
            if found is None:
                raise client_error(f"{request['computeEnvironment']} does not exist")
            if found.status in ("CREATING", "UPDATING", "DELETING"):
                raise client_error("Cannot delete, resource is being modified")
            if found.state != "DISABLED":
                raise client_error("Cannot delete, state must be DISABLED")
            if any(found.arn in queue.environments for queue in partition.queues.values()):
                raise client_error("Cannot delete, found existing JobQueue relationship")
            found.status = "DELETING"

        def gone() -> None:
            with self._store.lock:
                if partition.environments.get(found.name) is found:
                    del partition.environments[found.name]
            self._changed()

        clock.call_at(clock.now() + TRANSITION_SECONDS, gone)
        return {}

    def find(self, caller: Caller, name_or_arn: str) -> Environment:
        found = self._store.of(caller).environments.get(short(name_or_arn))
        if found is None or (name_or_arn.startswith("arn:") and found.arn != name_or_arn):
            raise client_error(f"{name_or_arn} does not exist")
        return found

    def _settle(self, environment: Environment) -> None:
        def valid() -> None:
            with self._store.lock:
                if environment.status in ("CREATING", "UPDATING"):
                    environment.status, environment.status_reason = "VALID", HEALTHY
            self._changed()

        clock.call_at(clock.now() + TRANSITION_SECONDS, valid)


def _resources(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    if "FARGATE" in given["type"]:
        return dict(given)
    lowest = given.get("minvCpus", 0)
    return {"minvCpus": lowest, "desiredvCpus": lowest} | given


def _cluster(caller: Caller, name: str, number: str) -> str:
    own = arn(caller, "cluster", f"AWSBatch-{name}-{number}")
    return own.replace(":batch:", ":ecs:", 1)


def _named(environment: Environment) -> Response:
    return {"computeEnvironmentName": environment.name, "computeEnvironmentArn": environment.arn}


def _shape(environment: Environment) -> Response:
    shape: Response = {
        **_named(environment),
        "type": environment.type,
        "state": environment.state,
        "status": environment.status,
        "statusReason": environment.status_reason,
        "ecsClusterArn": environment.cluster,
        "tags": dict(environment.tags),
        "containerOrchestrationType": "ECS",
        "uuid": environment.uuid,
        **environment.members,
    }
    if environment.resources is not None:
        shape["computeResources"] = dict(environment.resources)
    return shape
