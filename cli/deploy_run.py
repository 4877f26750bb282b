"""The steps of a deploy, in order. Each can be run again: what is done already is only looked at."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from botocore.exceptions import BotoCoreError, ClientError

from cli.deploy_chalice import prepare, publish_layer, run_chalice
from cli.deploy_project import LOCAL, Project
from cli.deploy_stack import Stack
from cli.deploy_target import Target
from cli.exits import MdlcError
from cli.package import build
from workflows.applying import Applied, Machines
from workflows.definitions import WorkflowError, function_arns, read_all
from workflows.mapping_applying import AppliedMapping, Mappings
from workflows.mappings import MappingError, problems, read

_HEALTH_SECONDS = 30.0
_WORKFLOW_SECONDS = 120.0
_PAUSE = 0.05


@dataclass(frozen=True)
class Step:
    """One step that is done: how long it took, and what it found or changed in a few words."""

    name: str
    seconds: float
    detail: str


@dataclass
class Report:
    """What a deploy or destroy did."""

    stage: str
    steps: list[Step] = field(default_factory=list)
    url: str | None = None
    left_out: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return round(sum(step.seconds for step in self.steps), 3)


@dataclass
class Steps:
    """Runs steps, times them, and says after a failure what is done already."""

    report: Report
    say: Callable[[str], None]
    verb: str

    @contextmanager
    def step(self, name: str, words: str) -> Iterator[Callable[[str], None]]:
        """The function yielded sets the step's detail."""
        self.say(words)
        begun = time.perf_counter()
        details: list[str] = []
        try:
            yield details.append
        except (ClientError, BotoCoreError, WorkflowError, MappingError) as error:
            raise MdlcError(f"{self._so_far()}{words} failed: {error}") from error
        except MdlcError as error:
            raise MdlcError(f"{self._so_far()}{error}", error.exit_code) from error
        detail = ", ".join(details)
        self.report.steps.append(Step(name, round(time.perf_counter() - begun, 3), detail))

    def _so_far(self) -> str:
        done = ", ".join(step.name for step in self.report.steps)
        return f"Done so far: {done}; run `mdlc {self.verb}` again to go on. " if done else ""


@dataclass(frozen=True)
class Compute:
    """Where jobs run: AWS Batch in these subnets, or nowhere. The network is given as ids separated by commas."""

    subnets: str | None = None
    security_groups: str | None = None

    @property
    def wanted(self) -> bool:
        return self.subnets is not None

    @property
    def parameters(self) -> dict[str, str]:
        if self.subnets is None or self.security_groups is None:
            return {"Compute": "false"}
        return {"Compute": "true", "Subnets": self.subnets, "SecurityGroups": self.security_groups}


def deploy(
    project: Project, stage: str, target: Target, compute: Compute, say: Callable[[str], None]
) -> Report:
    """Bring the stage to what the checkout says. Raises MdlcError; running it again goes on from there."""
    report = Report(stage)
    steps = Steps(report, say, f"deploy --stage {stage}")
    prefix = project.prefix(stage)
    with steps.step("package", "Packaging") as done:
        built = build(project, stage)
        done("dependencies built" if built.layer_built else "dependencies unchanged")
    with steps.step("stack", "Looking at the stack") as done:
        template = (project.root / "workflows" / "template.yaml").read_text()
        stack = Stack(target.client("cloudformation"), prefix)
        done(stack.apply(template, {"Stage": stage, **compute.parameters}, say))
        report.left_out = [] if compute.wanted else [_left_out(stage)]
    with steps.step("layer", "Publishing the dependencies") as done:
        layer, published = publish_layer(project, stage, target)
        done("published" if published else "unchanged")
    with steps.step("functions", "Deploying the functions"):
        run_chalice(prepare(project, stage, layer), "deploy", stage, target, say)
    deployed = project.deployed(stage)
    with steps.step("workflows", "Deploying the workflows") as done:
        machines = Machines(target.session(), prefix, target.endpoint_url)
        applied = machines.apply(read_all(project.root / "workflows"), function_arns(deployed))
        done(_counted(applied))
    with steps.step("mappings", "Deploying the event source mappings") as done:
        done(_counted(_apply_mappings(project, stage, target)))
    with steps.step("check", "Checking") as done:
        report.url = _api_url(deployed, target, project, stage)
        _check_health(report.url)
        _run_register(target, prefix)
        done("healthy")
    return report


def _left_out(stage: str) -> str:
    reason = (
        "the emulator does not run AWS Batch yet"
        if stage == LOCAL
        else "no --subnets and --security-groups given"
    )
    return f"AWS Batch queue, image repository and roles of jobs ({reason})"


def _counted(applied: list[Applied] | list[AppliedMapping]) -> str:
    changes = [one.change for one in applied]
    return (
        ", ".join(f"{changes.count(change)} {change}" for change in dict.fromkeys(changes)) or "none declared"
    )


def _apply_mappings(project: Project, stage: str, target: Target) -> list[AppliedMapping]:
    declared = read(project.root / "workflows" / "mappings.toml")
    settings = project.config["stages"][stage]["lambda_functions"]
    policies = {
        name: json.loads((project.root / ".chalice" / function["iam_policy_file"]).read_text())
        for name, function in settings.items()
    }
    found = [problem for mapping in declared for problem in problems(mapping, policies)]
    if found:
        raise MdlcError(f"workflows/mappings.toml: {' '.join(found)}")
    mappings = Mappings(target.session(), project.prefix(stage), target.endpoint_url)
    return mappings.apply(declared, project.functions(stage))


def _api_url(deployed: list[dict[str, Any]], target: Target, project: Project, stage: str) -> str:
    api = next(resource["rest_api_id"] for resource in deployed if resource["resource_type"] == "rest_api")
    return target.api_url(api, project.config["stages"][stage]["api_gateway_stage"])


def _check_health(url: str) -> None:
    """Raise MdlcError unless GET /health says ok."""
    try:
        with urlopen(f"{url}health", timeout=_HEALTH_SECONDS) as answer:
            health = json.load(answer)
    except HTTPError as error:
        raise MdlcError(f"{url}health answers {error.code}: see `mdlc logs`.") from error
    except (OSError, HTTPException, ValueError) as error:
        raise MdlcError(f"{url}health does not answer ({error}): see `mdlc logs`.") from error
    if health["status"] != "ok":
        raise MdlcError(f"The stage is deployed but {health['status']}: {' '.join(health['problems'])}")


def _run_register(target: Target, prefix: str) -> None:
    """Run the workflow `register` once, which also shows that workflows run. Raises MdlcError with its cause."""
    states = target.client("stepfunctions")
    arn = next(
        machine["stateMachineArn"]
        for page in states.get_paginator("list_state_machines").paginate()
        for machine in page["stateMachines"]
        if machine["name"] == f"{prefix}-register"
    )
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    deadline = time.monotonic() + _WORKFLOW_SECONDS
    while (told := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        if time.monotonic() > deadline:
            raise MdlcError(
                f"The workflow {prefix}-register still runs after {_WORKFLOW_SECONDS:.0f} s: {execution}."
            )
        time.sleep(_PAUSE)
    if told["status"] != "SUCCEEDED":
        raise MdlcError(
            f"The workflow {prefix}-register {told['status'].lower()}: {told.get('error', '')} {told.get('cause', '')}"
        )
