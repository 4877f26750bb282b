"""The steps of a destroy. Twice is fine: what is gone already is not missed."""

from collections.abc import Callable
from typing import Any

from cli.deploy_chalice import layer_name
from cli.deploy_functions import remove_functions
from cli.deploy_project import Project
from cli.deploy_stack import Stack
from cli.deploy_steps import Report, Steps
from cli.deploy_target import Target
from workflows.applying import Machines
from workflows.mapping_applying import Mappings


def full_buckets(project: Project, stage: str, target: Target) -> list[str]:
    """The stage's buckets that hold something."""
    stack = Stack(target.client("cloudformation"), project.prefix(stage))
    if stack.status() is None:
        return []
    s3 = target.client("s3")
    full = []
    for bucket in stack.buckets():
        try:
            versions = s3.list_object_versions(Bucket=bucket, MaxKeys=1)
        except s3.exceptions.NoSuchBucket:
            continue
        if versions.get("Versions") or versions.get("DeleteMarkers"):
            full.append(bucket)
    return full


def destroy(
    project: Project, stage: str, target: Target, to_empty: list[str], say: Callable[[str], None]
) -> Report:
    """Remove everything that `deploy` and Chalice made for the stage; the buckets `to_empty` with their
    content.

    Raises MdlcError; running it again goes on from there.
    """
    report = Report(stage)
    prefix = project.prefix(stage)
    stack = Stack(target.client("cloudformation"), prefix)
    layers = [layer_name(project, stage), f"{prefix}-managed-layer"]
    steps = Steps(report, say, f"mdlc destroy --stage {stage}")
    steps.together(
        (
            "mappings",
            "Removing event source mappings",
            lambda: _removed(len(Mappings(target.client, prefix).remove_all(project.functions(stage)))),
        ),
        (
            "workflows",
            "Removing workflows",
            lambda: _removed(len(Machines(target.client, prefix).remove_all())),
        ),
        (
            "buckets",
            "Emptying buckets",
            lambda: f"{sum(_empty(target, bucket) for bucket in to_empty)} objects removed",
        ),
    )
    steps.run("functions", "Removing functions", lambda: remove_functions(project, stage, target, say))
    steps.together(
        (
            "layer",
            "Removing dependencies",
            lambda: _removed(sum(_remove_layer(target.client("lambda"), name) for name in layers)),
        ),
        ("stack", "Removing the stack", lambda: "removed" if stack.remove(say) else "none"),
        ("logs", "Removing logs", lambda: _removed(_remove_logs(target, prefix))),
    )
    return report


def _removed(count: int) -> str:
    return f"{count} removed" if count else "none"


def _remove_layer(client: Any, name: str) -> int:
    versions = [
        version["Version"]
        for page in client.get_paginator("list_layer_versions").paginate(LayerName=name)
        for version in page["LayerVersions"]
    ]
    for version in versions:
        client.delete_layer_version(LayerName=name, VersionNumber=version)
    return len(versions)


def _empty(target: Target, bucket: str) -> int:
    """Remove every object of the bucket with all its versions; how many there were."""
    client = target.client("s3")
    removed = 0
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]
        if objects:
            client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        removed += len(objects)
    return removed


def _remove_logs(target: Target, name: str) -> int:
    """Log groups of the stage's functions, also of those that have been renamed since."""
    client = target.client("logs")
    prefix = f"/aws/lambda/{name}"
    groups = [
        group["logGroupName"]
        for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        for group in page["logGroups"]
        if group["logGroupName"] == prefix or group["logGroupName"].startswith(f"{prefix}-")
    ]
    for group in groups:
        client.delete_log_group(logGroupName=group)
    return len(groups)
