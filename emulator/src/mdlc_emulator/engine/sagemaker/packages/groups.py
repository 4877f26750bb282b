"""Model package groups and their resource policies.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackageGroup.html
"""

from __future__ import annotations

import json
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import conflict, invalid
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.people import user_context
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Response, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.packages.resources import Group, find_group, groups, packages

_ASKED = ("ModelPackageGroupDescription", "ManagedConfiguration")


def create_group(caller: Caller, request: Request) -> Response:
    shelf = groups(caller)
    name = request["ModelPackageGroupName"]
    check_tags(request.get("Tags"))
    members = {member: request[member] for member in _ASKED if member in request}
    group = Group(name, shelf.arn(name), caller, members | {"ModelPackageGroupStatus": "Completed"})
    tag(group, request.get("Tags"))
    return {"ModelPackageGroupArn": shelf.add(group).arn}


def _shown(group: Group) -> dict[str, Any]:
    return {
        "ModelPackageGroupName": group.name,
        "ModelPackageGroupArn": group.arn,
        "CreationTime": moment(group.created),
        **group.members,
    }


def describe_group(caller: Caller, request: Request) -> Response:
    group = find_group(caller, request["ModelPackageGroupName"])
    return _shown(group) | {"CreatedBy": user_context(group.caller)}


_LISTING = Listing[Group]("ModelPackageGroupSummaryList", _shown, descending=False)


def list_groups(caller: Caller, request: Request) -> Response:
    """CrossAccount shows what others share: nothing is shared here but by ARN."""
    others = request.get("CrossAccountFilterOption") == "CrossAccount"
    return _LISTING.answer(() if others else groups(caller), request)


def delete_group(caller: Caller, request: Request) -> Response:
    """It must be empty."""
    with STORE.lock:
        group = find_group(caller, request["ModelPackageGroupName"])
        if any(each.members.get("ModelPackageGroupName") == group.name for each in packages(group.caller)):
            raise conflict("Model Package Group cannot be deleted because it still contains Model Packages.")
        groups(group.caller).remove(group.name)
    return {}


def put_policy(caller: Caller, request: Request) -> Response:
    """The policy is kept and returned; who may do what is enforced nowhere in the emulator."""
    group = find_group(caller, request["ModelPackageGroupName"])
    try:
        policy = json.loads(request["ResourcePolicy"])
    except ValueError:
        policy = None
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise invalid("The ResourcePolicy is not a policy document: JSON with a Statement is expected.")
    group.policy = request["ResourcePolicy"]
    return {"ModelPackageGroupArn": group.arn}


def get_policy(caller: Caller, request: Request) -> Response:
    group = find_group(caller, request["ModelPackageGroupName"])
    return {"ResourcePolicy": _policy(group)}


def delete_policy(caller: Caller, request: Request) -> Response:
    group = find_group(caller, request["ModelPackageGroupName"])
    _policy(group)
    group.policy = None
    return {}


def _policy(group: Group) -> str:
    if group.policy is None:
        raise invalid(f"Cannot find resource policy for: {group.arn}")
    return group.policy


OPERATIONS: dict[str, Operation] = {
    "CreateModelPackageGroup": create_group,
    "DescribeModelPackageGroup": describe_group,
    "ListModelPackageGroups": list_groups,
    "DeleteModelPackageGroup": delete_group,
    "PutModelPackageGroupPolicy": put_policy,
    "GetModelPackageGroupPolicy": get_policy,
    "DeleteModelPackageGroupPolicy": delete_policy,
}
