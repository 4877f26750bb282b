"""Tags: AddTags, ListTags and DeleteTags, for every resource that has an ARN.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, not_found
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Resource, Response
from mdlc_emulator.engine.sagemaker.kernel.store import STORE

MOST = 50
"""Tags of one resource."""

PAGE = 50


def tag(resource: Resource, tags: list[dict[str, str]] | None) -> None:
    """Give a new resource the tags of its request. ValidationException for duplicates, `aws:` keys, or too
    many."""
    pairs = [(each["Key"], each["Value"]) for each in tags or ()]
    _check(pairs)
    _refuse_too_many(resource.tags | dict(pairs))
    resource.tags.update(pairs)


def check_tags(tags: list[dict[str, str]] | None) -> None:
    """The errors that `tag` would raise, for a request whose resource is not made yet."""
    pairs = [(each["Key"], each["Value"]) for each in tags or ()]
    _check(pairs)
    _refuse_too_many(dict(pairs))


def _check(pairs: list[tuple[str, str]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise invalid("Duplicate tag keys found. Please ensure that each tag key is unique.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("Tag keys that begin with aws: are reserved for AWS.")


def _refuse_too_many(tags: dict[str, str]) -> None:
    if len(tags) > MOST:
        raise invalid(f"A resource has at most {MOST} tags.")


def _resource(caller: Caller, arn: str) -> Resource:
    found = STORE.by_arn(caller, arn)
    if found is None:
        raise not_found(f"Resource {arn} does not exist.")
    return found


def _shown(tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def add_tags(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        resource = _resource(caller, request["ResourceArn"])
        tag(resource, request["Tags"])
        return {"Tags": _shown(resource.tags)}


def list_tags(caller: Caller, request: Request) -> Response:
    """In the order of the keys; the token is the last key shown."""
    tags = dict(sorted(_resource(caller, request["ResourceArn"]).tags.items()))
    token = request.get("NextToken")
    left = {key: value for key, value in tags.items() if token is None or key > token}
    shown = dict(list(left.items())[: request.get("MaxResults", PAGE)])
    response: Response = {"Tags": _shown(shown)}
    if len(left) > len(shown):
        response["NextToken"] = list(shown)[-1]
    return response


def delete_tags(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        kept = _resource(caller, request["ResourceArn"]).tags
        for key in request["TagKeys"]:
            kept.pop(key, None)
    return {}


OPERATIONS: dict[str, Operation] = {
    "AddTags": add_tags,
    "ListTags": list_tags,
    "DeleteTags": delete_tags,
}
