"""Chalice's own CLI as a child process, in a project directory that names the layer by its ARN.

A plain `chalice deploy` publishes the layer of dependencies anew each time, 45 MB. Here it is published when
it has changed, and Chalice is given a directory that differs from the project in one thing: config.json names
the published layer instead of asking for an automatic one. Everything else is linked, so that what Chalice
records as deployed is the same for both ways.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.deploy_project import Project
from cli.deploy_target import Target
from cli.exits import Exit, MdlcError
from cli.package_layer import RUNTIME, layer_path

_LINKED = ("app", "app.py", "chalicelib", ".chalice/policies", ".chalice/deployed", ".chalice/deployments")
# How Chalice introduces the errors that it expects; others are tracebacks.
_MARKER = "received the following error:"
_STEPS = re.compile(r"^(Creating|Updating|Deleting) ")


def publish_layer(project: Project, stage: str, target: Target) -> tuple[str, bool]:
    """The ARN of the layer version that holds the built dependencies, and whether it had to be published."""
    client = target.client("lambda")
    name = layer_name(project, stage)
    path = layer_path(project, stage)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    for page in client.get_paginator("list_layer_versions").paginate(LayerName=name):
        for version in page["LayerVersions"]:
            if version.get("Description") == digest:
                return str(version["LayerVersionArn"]), False
    published = client.publish_layer_version(
        LayerName=name,
        Description=digest,
        Content={"ZipFile": content},
        CompatibleRuntimes=[RUNTIME],
        CompatibleArchitectures=[project.architecture(stage)],
    )
    return str(published["LayerVersionArn"]), True


def layer_name(project: Project, stage: str) -> str:
    return f"{project.prefix(stage)}-dependencies"


def prepare(project: Project, stage: str, layer_arn: str) -> Path:
    """The directory that Chalice is given. Made anew each time: it holds links and one small file."""
    directory = project.root / "build" / "chalice" / stage
    (directory / ".chalice").mkdir(parents=True, exist_ok=True)
    for name in _LINKED:
        source, link = project.root / name, directory / name
        if name == ".chalice/deployed":
            source.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(source, link.parent))
    config = dict(project.config)
    config["automatic_layer"] = False
    settings = config["stages"][stage]
    config["stages"] = {stage: {**settings, "layers": [*settings.get("layers", []), layer_arn]}}
    (directory / ".chalice" / "config.json").write_text(json.dumps(config, indent=2))
    return directory


def run_chalice(directory: Path, verb: str, stage: str, target: Target, say: Callable[[str], None]) -> None:
    """`chalice <verb> --stage <stage>`. Raises MdlcError with Chalice's own reason in one sentence."""
    program = Path(sys.executable).with_name("chalice")
    if not program.exists():
        raise MdlcError("Chalice is not installed beside mdlc: run `make setup`.", Exit.LACKING)
    process = subprocess.Popen(
        [str(program), "--project-dir", str(directory), verb, "--stage", stage],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Bytecode written now would go into the zip.
        env={**target.environment, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if _STEPS.match(line):
            say(line.strip().rstrip("."))
    _, errors = process.communicate()
    if process.returncode != 0:
        last_step = next((line for line in reversed(lines) if _STEPS.match(line)), "")
        raise MdlcError(_told(verb, errors, last_step, target))


def _told(verb: str, errors: str, last_step: str, target: Target) -> str:
    """What Chalice says of its failure, and of a function that did not become active, why."""
    _, marker, told = errors.partition(_MARKER)
    lines = [line.strip() for line in errors.splitlines() if line.strip() and "Warning" not in line]
    reason = " ".join(told.split()) if marker else lines[-1] if lines else "it says nothing"
    reason = re.sub(r"^[\w.]+(Error|Exception): ", "", reason)
    function = re.search(r"lambda function: (\S+)", last_step)
    if function and "Waiter" in errors:
        reason = _state_reason(function[1], target) or reason
    step = f" at `{last_step}`" if last_step else ""
    return (
        f"`chalice {verb}` failed{step}: {reason.rstrip('.')}. What is done stays done: mend it, then go on."
    )


def _state_reason(function: str, target: Target) -> str | None:
    client = target.client("lambda")
    try:
        state: dict[str, Any] = client.get_function_configuration(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return None
    return state.get("StateReason") or state.get("LastUpdateStatusReason")
