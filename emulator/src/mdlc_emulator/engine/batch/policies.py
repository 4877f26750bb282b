"""Scheduling policies. Pure.

Source: https://docs.aws.amazon.com/batch/latest/userguide/scheduling-policies.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.errors import client_error, invalid, not_here
from mdlc_emulator.engine.batch.model import Policy, Store
from mdlc_emulator.engine.batch.names import arn, check_name, check_tags, short
from mdlc_emulator.engine.batch.paging import page

type Request = dict[str, Any]
type Response = dict[str, Any]


class Policies:
    """The operations on scheduling policies. `changed` is called after each change."""

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store, self._changed = store, changed

    def create(self, caller: Caller, request: Request) -> Response:
        name = request["name"]
        check_name(name, "Scheduling policy name")
        tags = dict(request.get("tags") or {})
        check_tags(tags)
        fairshare = _fairshare(request)
        with self._store.lock:
            known = self._store.of(caller).policies
            if name in known:
                raise client_error("Object already exists")
            made = Policy(caller, name, arn(caller, "scheduling-policy", name), fairshare, tags)
            known[name] = made
        return {"name": name, "arn": made.arn}

    def update(self, caller: Caller, request: Request) -> Response:
        fairshare = _fairshare(request)
        with self._store.lock:
            self._find(caller, request["arn"]).fairshare = fairshare
        self._changed()
        return {}

    def describe(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            known = self._store.of(caller).policies
            found = [known[short(each)] for each in request["arns"] if short(each) in known]
            return {
                "schedulingPolicies": [
                    {
                        "name": each.name,
                        "arn": each.arn,
                        "fairsharePolicy": dict(each.fairshare),
                        "tags": dict(each.tags),
                    }
                    for each in found
                ]
            }

    def list(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            known = sorted(self._store.of(caller).policies.values(), key=lambda each: each.name)
        found, more = page(known, request, most=100, key="arn")
        return {"schedulingPolicies": [{"arn": each.arn} for each in found], **more}

    def delete(self, caller: Caller, request: Request) -> Response:
        with self._store.lock:
            partition = self._store.of(caller)
            found = self._find(caller, request["arn"])
            if any(queue.policy_arn == found.arn for queue in partition.queues.values()):
                raise client_error("Cannot delete, found existing JobQueue relationship")
            del partition.policies[found.name]
        return {}

    def _find(self, caller: Caller, policy_arn: str) -> Policy:
        found = self._store.of(caller).policies.get(short(policy_arn))
        if found is None:
            raise client_error(f"SchedulingPolicy {policy_arn} does not exist")
        return found


def _fairshare(request: Request) -> dict[str, Any]:
    if request.get("quotaSharePolicy"):
        raise not_here("quota shares", "use a fairsharePolicy.")
    given = request.get("fairsharePolicy") or {}
    decay = given.get("shareDecaySeconds", 0)
    reservation = given.get("computeReservation", 0)
    shares = given.get("shareDistribution") or []
    if not 0 <= decay <= 604800:
        raise invalid("shareDecaySeconds must be between 0 and 604800")
    if not 0 <= reservation <= 99:
        raise invalid("computeReservation must be between 0 and 99")
    identifiers = [each["shareIdentifier"] for each in shares]
    for position, one in enumerate(identifiers):
        for other in identifiers[position + 1 :]:
            if one == other or _covers(one, other) or _covers(other, one):
                raise invalid(f"Share identifiers {one} and {other} overlap")
    for each in shares:
        weight = each.get("weightFactor", 1.0)
        if not 0.0001 <= weight <= 999.9999:
            raise invalid("weightFactor must be between 0.0001 and 999.9999")
    return {
        "shareDecaySeconds": decay,
        "computeReservation": reservation,
        "shareDistribution": [
            {"shareIdentifier": each["shareIdentifier"], "weightFactor": each.get("weightFactor", 1.0)}
            for each in shares
        ],
    }


def _covers(pattern: str, identifier: str) -> bool:
    return pattern.endswith("*") and identifier.rstrip("*").startswith(pattern[:-1])
