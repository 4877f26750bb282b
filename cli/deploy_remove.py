"""The steps of a destroy. Twice is fine: what is gone already is not missed."""

import shutil
from collections.abc import Callable
from typing import Any

from cli.deploy_chalice import layer_name, prepare, run_chalice
from cli.deploy_project import Project
from cli.deploy_run import Report, Steps
from cli.deploy_stack import Stack
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
    """Remove everything that `deploy` and Chalice made for the stage; the buckets `to_empty` with their content.

    Raises MdlcError; running it again goes on from there.
    """
    report = Report(stage)
    steps = Steps(report, say, f"destroy --stage {stage}")
    prefix = project.prefix(stage)
    with steps.step("mappings", "Removing event source mappings") as done:
        mappings = Mappings(target.session(), prefix, target.endpoint_url)
        done(f"{len(mappings.remove_all(project.functions(stage)))} removed")
    with steps.step("workflows", "Removing workflows") as done:
        done(f"{len(Machines(target.session(), prefix, target.endpoint_url).remove_all())} removed")
    with steps.step("functions", "Removing functions") as done:
        recorded = bool(project.deployed(stage))
        if recorded:
            run_chalice(prepare(project, stage, ""), "delete", stage, target, say)
        (project.root / ".chalice" / "deployed" / f"{stage}.json").unlink(missing_ok=True)
        shutil.rmtree(project.root / "build" / "chalice" / stage, ignore_errors=True)
        done("removed" if recorded else "none")
    with steps.step("layer", "Removing dependencies") as done:
        names = [layer_name(project, stage), f"{prefix}-managed-layer"]
        done(f"{sum(_remove_layer(target.client('lambda'), name) for name in names)} removed")
    with steps.step("buckets", "Emptying buckets") as done:
        done(f"{sum(_empty(target, bucket) for bucket in to_empty)} objects removed")
    with steps.step("stack", "Removing the stack") as done:
        stack = Stack(target.client("cloudformation"), prefix)
        done("removed" if stack.remove(say) else "none")
    with steps.step("logs", "Removing logs") as done:
        done(f"{_remove_logs(target, [prefix, *project.functions(stage)])} removed")
    return report


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


def _remove_logs(target: Target, functions: list[str]) -> int:
    """Log groups of the stage's functions, also of those that have been renamed since."""
    client = target.client("logs")
    prefix = f"/aws/lambda/{functions[0]}"
    groups = [
        group["logGroupName"]
        for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        for group in page["logGroups"]
        if group["logGroupName"] == prefix or group["logGroupName"].startswith(f"{prefix}-")
    ]
    for group in groups:
        client.delete_log_group(logGroupName=group)
    return len(groups)
