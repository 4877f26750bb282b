"""Creates, updates and removes state machines with their roles. Applying twice changes nothing."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from workflows.definitions import Workflow
from workflows.permissions import TRUST, policy

Change = Literal["created", "updated", "unchanged", "removed"]

_POLICY = "tasks"
# IAM's answers lag behind its writes: Step Functions refuses a role that was made a moment ago.
_ROLE_SECONDS = 30.0
_ROLE_PAUSE = 1.0


@dataclass(frozen=True)
class Applied:
    """A state machine and what became of it."""

    name: str
    arn: str
    change: Change


class Machines:
    """The state machines of one stage. `prefix` begins all their names, such as `mdlc-local`."""

    def __init__(self, client: Callable[[str], Any], prefix: str) -> None:
        """`client` gives the boto3 client of a service."""
        self._states = client("stepfunctions")
        self._iam = client("iam")
        self._prefix = f"{prefix}-"

    def apply(self, workflows: Iterable[Workflow], arns: Mapping[str, str]) -> list[Applied]:
        """Make the stage's machines exactly `workflows`; those of files that are gone are removed.

        `arns`: placeholder -> function ARN. Raises WorkflowError before anything is changed.
        """
        wanted = {}
        for workflow in workflows:
            text = workflow.filled(arns)
            wanted[f"{self._prefix}{workflow.name}"] = (text, policy(workflow.file, json.loads(text)))
        existing = dict(self._existing())
        applied = [
            self._apply_one(name, existing.get(name), text, rights) for name, (text, rights) in wanted.items()
        ]
        return applied + [self._remove(name, arn) for name, arn in existing.items() if name not in wanted]

    def remove_all(self) -> list[Applied]:
        """Remove every state machine of the stage with its role."""
        return [self._remove(name, arn) for name, arn in self._existing()]

    def _existing(self) -> Iterator[tuple[str, str]]:
        for page in self._states.get_paginator("list_state_machines").paginate():
            for machine in page["stateMachines"]:
                if machine["name"].startswith(self._prefix):
                    yield machine["name"], machine["stateMachineArn"]

    def _apply_one(self, name: str, arn: str | None, text: str, rights: dict[str, Any]) -> Applied:
        role = self._apply_role(name, rights)
        if arn is None:
            return Applied(name, self._create(name, text, role), "created")
        live = self._states.describe_state_machine(stateMachineArn=arn)
        if json.loads(live["definition"]) == json.loads(text) and live["roleArn"] == role:
            return Applied(name, arn, "unchanged")
        self._states.update_state_machine(stateMachineArn=arn, definition=text, roleArn=role)
        return Applied(name, arn, "updated")

    def _create(self, name: str, text: str, role: str) -> str:
        deadline = time.monotonic() + _ROLE_SECONDS
        while True:
            try:
                made = self._states.create_state_machine(
                    name=name, definition=text, roleArn=role, type="STANDARD", tags=_tags(self._prefix)
                )
                return str(made["stateMachineArn"])
            except ClientError as error:
                if error.response["Error"]["Code"] != "AccessDeniedException" or time.monotonic() > deadline:
                    raise
                time.sleep(_ROLE_PAUSE)

    def _apply_role(self, machine: str, rights: dict[str, Any]) -> str:
        name = _role_name(machine)
        try:
            role = self._iam.get_role(RoleName=name)["Role"]
        except self._iam.exceptions.NoSuchEntityException:
            role = self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
        live = self._rights(name)
        if not rights["Statement"]:
            # IAM knows no empty policy: a workflow that calls nothing has none.
            if live is not None:
                self._iam.delete_role_policy(RoleName=name, PolicyName=_POLICY)
        elif live != rights:
            self._iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=json.dumps(rights))
        return str(role["Arn"])

    def _rights(self, role: str) -> Any:
        try:
            return self._iam.get_role_policy(RoleName=role, PolicyName=_POLICY)["PolicyDocument"]
        except self._iam.exceptions.NoSuchEntityException:
            return None

    def _remove(self, name: str, arn: str) -> Applied:
        self._states.delete_state_machine(stateMachineArn=arn)
        role = _role_name(name)
        try:
            for inline in self._iam.list_role_policies(RoleName=role)["PolicyNames"]:
                self._iam.delete_role_policy(RoleName=role, PolicyName=inline)
            self._iam.delete_role(RoleName=role)
        except self._iam.exceptions.NoSuchEntityException:
            pass
        return Applied(name, arn, "removed")


def _role_name(machine: str) -> str:
    return f"{machine}-workflow"


def _tags(prefix: str) -> list[dict[str, str]]:
    application, _, stage = prefix.rstrip("-").partition("-")
    return [{"key": "application", "value": application}, {"key": "stage", "value": stage}]
