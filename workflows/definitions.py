"""State machine definitions: one ASL file serves plain `chalice deploy` and `chalice package
--merge-template`.

A function is named by a placeholder such as `${InspectStageFunctionArn}`. The template of `chalice package`
fills it by DefinitionSubstitutions; here it is filled from what Chalice recorded as deployed. Jobs are named
by `${JobQueueArn}` and `${JobDefinitionArn}`, which the stack puts out where AWS Batch is wanted.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalice.utils import to_cfn_resource_name

# Not string.Template: its `$` would meet the JSON paths of ASL.
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_SUFFIX = "FunctionArn"
JOBS = {"JobQueueArn": "JobsQueue", "JobDefinitionArn": "JobDefinition"}
"""Placeholder -> output of the stack."""


class WorkflowError(Exception):
    """A workflow cannot be deployed as it is. The message names the file and the way out."""


@dataclass(frozen=True)
class Workflow:
    """`name` is the file's; the state machine is called `<application>-<stage>-<name>`."""

    name: str
    text: str
    file: str

    @property
    def placeholders(self) -> set[str]:
        return set(_PLACEHOLDER.findall(self.text))

    @property
    def definition(self) -> dict[str, Any]:
        """The definition, placeholders unfilled. Raises WorkflowError."""
        try:
            definition: dict[str, Any] = json.loads(self.text)
        except ValueError as error:
            raise WorkflowError(f"{self.file} is not valid JSON ({error}): mend it.") from error
        return definition

    def filled(self, arns: Mapping[str, str]) -> str:
        """The text with every placeholder replaced. Raises WorkflowError for one that `arns` lacks, and for a
        text that is no JSON."""
        _ = self.definition
        unknown = self.placeholders - arns.keys()
        if unknown:
            raise WorkflowError(
                f"{self.file} names {', '.join(sorted(unknown))}, which no function has;"
                f" there are: {', '.join(sorted(arns)) or 'none'}."
            )
        return _PLACEHOLDER.sub(lambda match: arns[match[1]], self.text)


def read_all(directory: Path) -> list[Workflow]:
    """Every workflow in `directory`, by name."""
    return [
        Workflow(
            path.name.removesuffix(".asl.json"), path.read_text(encoding="utf-8"), f"workflows/{path.name}"
        )
        for path in sorted(directory.glob("*.asl.json"))
    ]


def placeholder(function: str) -> str:
    """`inspect-stage` -> `InspectStageFunctionArn`: Chalice's logical name of the function, and what we want
    of it."""
    return str(to_cfn_resource_name(function)) + _SUFFIX


def function_arns(deployed: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Placeholder -> ARN, from the `resources` of .chalice/deployed/<stage>.json."""
    return {
        placeholder(resource["name"]): resource["lambda_arn"]
        for resource in deployed
        if resource["resource_type"] == "lambda_function"
    }


def job_arns(outputs: Mapping[str, str]) -> dict[str, str]:
    """Placeholder -> ARN of the jobs' queue and definition, from the outputs of the stack; none without AWS
    Batch."""
    return {name: outputs[output] for name, output in JOBS.items() if output in outputs}
