"""Tags of every Batch resource, by ARN. Pure.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_TagResource.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.errors import client_error
from mdlc_emulator.engine.batch.model import Store
from mdlc_emulator.engine.batch.names import check_tags

type Request = dict[str, Any]
type Response = dict[str, Any]


class Tags:
    """The operations on tags, of every kind of resource."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tag(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            tags = self._of(caller, request["resourceArn"])
            check_tags({**tags, **request["tags"]})
            tags.update(request["tags"])
        return {}

    def untag(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            tags = self._of(caller, request["resourceArn"])
            for key in request["tagKeys"]:
                tags.pop(key, None)
        return {}

    def list(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            return {"tags": dict(self._of(caller, request["resourceArn"]))}

    def _of(self, caller: Caller, arn: str) -> dict[str, str]:
        partition = self._store.of(caller)
        kind = arn.split(":", 5)[-1].partition("/")[0]
        name = arn.partition("/")[2]
        found: Any = None
        match kind:
            case "compute-environment":
                found = partition.environments.get(name)
            case "job-queue":
                found = partition.queues.get(name)
            case "scheduling-policy":
                found = partition.policies.get(name)
            case "job":
                found = partition.jobs.get(name)
            case "job-definition":
                revisions = partition.definitions.get(name.partition(":")[0], ())
                found = next((each for each in revisions if each.arn == arn), None)
        if found is None or found.arn != arn:
            raise client_error(f"Resource {arn} not found")
        tags: dict[str, str] = found.tags
        return tags
