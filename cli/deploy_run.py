"""The steps of a deploy, in order. Each can be run again: what is done already is only looked at."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cli.deploy_chalice import prepare, publish_layer, run_chalice
from cli.deploy_check import check
from cli.deploy_project import LOCAL, Project
from cli.deploy_stack import Stack
from cli.deploy_steps import Report, Steps
from cli.deploy_target import Target
from cli.exits import MdlcError
from cli.image_bundle import tag as digest
from cli.package import build
from workflows.applying import Change, Machines
from workflows.definitions import function_arns, job_arns, read_all
from workflows.mapping_applying import Mappings
from workflows.mappings import problems, read


@dataclass(frozen=True)
class Compute:
    """Where jobs run: AWS Batch in a network of one's own, given as ids separated by commas. With nothing
    given it stays as it is, which in a new stage is nowhere; `removed` takes it away. The emulator has Batch
    and no network: `local` needs no ids."""

    subnets: str | None = None
    security_groups: str | None = None
    removed: bool = False
    local: bool = False

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the stack's parameters that change."""
        if self.removed:
            return {"Compute": "false"}
        if self.local:
            return {"Compute": "true", "Subnets": "subnet-local", "SecurityGroups": "sg-local"}
        if self.subnets is None or self.security_groups is None:
            return {}
        return {"Compute": "true", "Subnets": self.subnets, "SecurityGroups": self.security_groups}


def deploy(
    project: Project, stage: str, target: Target, compute: Compute, say: Callable[[str], None]
) -> Report:
    """Bring the stage to what the checkout says. Raises MdlcError; running it again goes on from there."""
    report = Report(stage)
    work = _Deploy(project, stage, target, compute, say)
    steps = Steps(report, say, f"mdlc deploy --stage {stage}")
    steps.run("package", "Packaging", work.package)
    steps.together(
        ("stack", "Looking at the stack", work.stack),
        ("layer", "Publishing the dependencies", work.publish),
    )
    report.left_out = work.left_out()
    steps.run("functions", "Deploying the functions", work.functions)
    report.url = work.url()
    steps.together(
        ("workflows", "Deploying the workflows", work.workflows),
        ("mappings", "Deploying the event source mappings", work.mappings),
    )
    steps.run("check", "Checking", lambda: check(work.url(), target, work.prefix))
    return report


class _Deploy:
    """The work of each step, on one stage."""

    def __init__(
        self, project: Project, stage: str, target: Target, compute: Compute, say: Callable[[str], None]
    ) -> None:
        self._project = project
        self._stage = stage
        self._target = target
        self._compute = compute
        self._say = say
        self._layer = ""
        self._stack = Stack(target.client("cloudformation"), project.prefix(stage))
        self.prefix = project.prefix(stage)

    def package(self) -> str:
        built = build(self._project, self._stage)
        return "dependencies built" if built.layer_built else "dependencies unchanged"

    def stack(self) -> str:
        template = (self._project.root / "workflows" / "template.yaml").read_text()
        parameters = {"Stage": self._stage, **self._compute.parameters, **self._image()}
        return self._stack.apply(template, parameters, self._say)

    def _image(self) -> dict[str, str]:
        """Which image jobs are made from: on AWS the one built from this checkout, for the stage's
        processors."""
        architecture = self._project.architecture(self._stage).upper()
        tag = LOCAL if self._stage == LOCAL else digest(self._project.root)
        return {"JobImageTag": tag, "JobArchitecture": architecture}

    def left_out(self) -> list[str]:
        """What the stage does not have, each with the reason."""
        if self._stack.parameters().get("Compute") == "true":
            return []
        reason = (
            "deploy without --without-jobs to have them"
            if self._stage == LOCAL
            else "give --subnets and --security-groups to have them"
        )
        return [f"AWS Batch queue, job definition and roles of jobs ({reason})"]

    def publish(self) -> str:
        self._layer, published = publish_layer(self._project, self._stage, self._target)
        return "published" if published else "unchanged"

    def functions(self) -> str:
        directory = prepare(self._project, self._stage, self._layer)
        run_chalice(directory, "deploy", self._stage, self._target, self._say)
        self._keep_api_logs()
        return f"{len(function_arns(self._deployed()))} deployed"

    def _keep_api_logs(self) -> None:
        """Keep the API's logs as long as the others': for this function Chalice names the wrong group."""
        days = [f.get("log_retention_in_days", 0) for f in self._settings["lambda_functions"].values()]
        if max(days) == 0:
            return
        logs = self._target.client("logs")
        group = f"/aws/lambda/{self.prefix}"
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        logs.put_retention_policy(logGroupName=group, retentionInDays=max(days))

    def url(self) -> str:
        api = next(r["rest_api_id"] for r in self._deployed() if r["resource_type"] == "rest_api")
        return self._target.api_url(api, self._settings["api_gateway_stage"])

    def workflows(self) -> str:
        machines = Machines(self._target.client, self.prefix)
        arns = function_arns(self._deployed()) | job_arns(self._stack.outputs())
        applied = machines.apply(read_all(self._project.root / "workflows"), arns)
        return _counted([one.change for one in applied])

    def mappings(self) -> str:
        declared = read(self._project.root / "workflows" / "mappings.toml")
        policies = {
            name: json.loads((self._project.root / ".chalice" / function["iam_policy_file"]).read_text())
            for name, function in self._settings["lambda_functions"].items()
        }
        found = [problem for mapping in declared for problem in problems(mapping, policies)]
        if found:
            raise MdlcError(f"workflows/mappings.toml: {' '.join(found)}")
        mappings = Mappings(self._target.client, self.prefix)
        applied = mappings.apply(declared, self._project.functions(self._stage))
        return _counted([one.change for one in applied])

    @property
    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = self._project.config["stages"][self._stage]
        return settings

    def _deployed(self) -> list[dict[str, Any]]:
        return self._project.deployed(self._stage)


def _counted(changes: list[Change]) -> str:
    return (
        ", ".join(f"{changes.count(change)} {change}" for change in dict.fromkeys(changes)) or "none declared"
    )
