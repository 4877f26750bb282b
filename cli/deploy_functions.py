"""Removes what Chalice has deployed: by Chalice, and what a deploy that stopped half way left unrecorded, by
name."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from cli.deploy_chalice import prepare, run_chalice
from cli.deploy_project import Project
from cli.deploy_target import Target


def remove_functions(project: Project, stage: str, target: Target, say: Callable[[str], None]) -> str:
    """Remove the stage's functions, their roles and its API; "removed", or "none" where there was nothing."""
    existing = [resource for resource in project.deployed(stage) if _exists(resource, target)]
    if existing:
        project.record_deployed(stage, existing)
        run_chalice(prepare(project, stage, ""), "delete", stage, target, say)
    left = _remove_unrecorded(project, stage, target)
    (project.root / ".chalice" / "deployed" / f"{stage}.json").unlink(missing_ok=True)
    shutil.rmtree(project.root / "build" / "chalice" / stage, ignore_errors=True)
    return "removed" if existing or left else "none"


def _exists(resource: dict[str, Any], target: Target) -> bool:
    """Whether what Chalice recorded is still there: `chalice delete` stops at the first thing that is not.

    True for kinds that cannot be missing or that Chalice does not stop at.
    """
    looks: dict[str, Callable[[], object]] = {
        "rest_api": lambda: target.client("apigateway").get_rest_api(restApiId=resource["rest_api_id"]),
        "iam_role": lambda: target.client("iam").get_role(RoleName=resource["role_name"]),
        "lambda_function": lambda: target.client("lambda").get_function_configuration(
            FunctionName=resource["lambda_arn"]
        ),
        "lambda_layer": lambda: target.client("lambda").get_layer_version_by_arn(
            Arn=resource["layer_version_arn"]
        ),
    }
    if resource["resource_type"] == "log_group":
        groups = target.client("logs").describe_log_groups(logGroupNamePrefix=resource["log_group_name"])
        return any(group["logGroupName"] == resource["log_group_name"] for group in groups["logGroups"])
    look = looks.get(resource["resource_type"])
    try:
        if look is not None:
            look()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return False
        raise
    return True


def _remove_unrecorded(project: Project, stage: str, target: Target) -> int:
    """Remove what bears the stage's names; how much there was. Chalice records only a deploy that
    succeeded."""
    functions, roles = target.client("lambda"), target.client("iam")
    count = _remove_apis(project, stage, target)
    for name in project.functions(stage):
        with suppress(functions.exceptions.ResourceNotFoundException):
            functions.delete_function(FunctionName=name)
            count += 1
    for name in project.config["stages"][stage]["lambda_functions"]:
        role = f"{project.prefix(stage)}-{name}"
        with suppress(roles.exceptions.NoSuchEntityException):
            for policy in roles.list_role_policies(RoleName=role)["PolicyNames"]:
                roles.delete_role_policy(RoleName=role, PolicyName=policy)
            roles.delete_role(RoleName=role)
            count += 1
    return count


def _remove_apis(project: Project, stage: str, target: Target) -> int:
    """APIs of all stages have the application's name; this stage's are those that call its function."""
    client = target.client("apigateway")
    caller = f":function:{project.prefix(stage)}/invocations"
    count = 0
    for page in client.get_paginator("get_rest_apis").paginate():
        for api in page["items"]:
            if api["name"] == project.name and caller in _integrations(client, api["id"]):
                client.delete_rest_api(restApiId=api["id"])
                count += 1
    return count


def _integrations(client: Any, api: str) -> str:
    """The URIs that an API calls, in one text."""
    return " ".join(
        method.get("methodIntegration", {}).get("uri", "")
        for page in client.get_paginator("get_resources").paginate(restApiId=api, embed=["methods"])
        for resource in page["items"]
        for method in resource.get("resourceMethods", {}).values()
    )
