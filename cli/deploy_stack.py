"""The CloudFormation stack of everything that is no Lambda: applied by change sets, so that a second time is
a look."""

import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from cli.exits import MdlcError

_PAUSE = 0.1
_SLOWEST_PAUSE = 5.0
_SECONDS = 1800.0
# A stack that never came to be can only be removed.
_UNBORN = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"}
_NO_CHANGE = ("didn't contain changes", "No updates are to be performed")

Say = Callable[[str], None]


class Stack:
    """One stack, by name."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    def apply(self, template: str, parameters: dict[str, str], say: Say) -> str:
        """Make the stack `template`; "created", "updated" or "unchanged". Raises MdlcError with the first
        cause.

        Parameters that are not given keep the value they have, in a new stack the template's default.
        """
        status = self.status()
        if status in _UNBORN:
            self.remove(say)
            status = None
        kind = "CREATE" if status is None else "UPDATE"
        change_set = self._change_set(template, parameters, kind)
        if change_set is None:
            return "unchanged"
        self._client.execute_change_set(ChangeSetName=change_set)
        say("Applying the stack")
        final = self._settled()
        if final not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise MdlcError(
                f"The stack {self.name} is {final}: {self._first_cause()}"
                " Mend workflows/template.yaml, then deploy again."
            )
        return "created" if kind == "CREATE" else "updated"

    def status(self) -> str | None:
        """The stack's status, None when there is none."""
        try:
            return str(self._client.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"])
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def parameters(self) -> dict[str, str]:
        """The values that the stack's parameters have."""
        (stack,) = self._client.describe_stacks(StackName=self.name)["Stacks"]
        return {
            given["ParameterKey"]: given.get("ParameterValue", "") for given in stack.get("Parameters", ())
        }

    def outputs(self) -> dict[str, str]:
        """The values that the stack puts out."""
        (stack,) = self._client.describe_stacks(StackName=self.name)["Stacks"]
        return {given["OutputKey"]: given["OutputValue"] for given in stack.get("Outputs", ())}

    def buckets(self) -> list[str]:
        """Names of the stack's buckets."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [
            resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::S3::Bucket"
            and resource["ResourceStatus"] != "DELETE_COMPLETE"
        ]

    def remove(self, say: Say) -> bool:
        """Delete the stack; False when there was none. Raises MdlcError with the first cause."""
        if self.status() is None:
            return False
        self._client.delete_stack(StackName=self.name)
        say("Removing the stack")
        final = self._settled()
        if final is not None and final != "DELETE_COMPLETE":
            raise MdlcError(
                f"The stack {self.name} is {final}: {self._first_cause()} Then run `mdlc destroy` again."
            )
        return True

    def _change_set(self, template: str, parameters: dict[str, str], kind: str) -> str | None:
        """The id of a change set that is ready, None when nothing would change."""
        given: list[dict[str, Any]] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ]
        if kind == "UPDATE":
            known = self._client.get_template_summary(TemplateBody=template)["Parameters"]
            kept = self.parameters().keys() & {one["ParameterKey"] for one in known} - parameters.keys()
            given += [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)]
        made = self._client.create_change_set(
            StackName=self.name,
            ChangeSetName=f"mdlc-{uuid.uuid4().hex[:12]}",
            ChangeSetType=kind,
            TemplateBody=template,
            Parameters=given,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        looks = _Pauses()
        while True:
            told = self._client.describe_change_set(ChangeSetName=made["Id"])
            if told["Status"] == "CREATE_COMPLETE":
                return str(made["Id"])
            if told["Status"] == "FAILED":
                reason = told.get("StatusReason", "")
                self._client.delete_change_set(ChangeSetName=made["Id"])
                if any(words in reason for words in _NO_CHANGE):
                    return None
                raise MdlcError(f"CloudFormation refuses workflows/template.yaml: {reason}")
            looks.wait(self.name)

    def _settled(self) -> str | None:
        looks = _Pauses()
        while (status := self.status()) is not None and status.endswith("_IN_PROGRESS"):
            looks.wait(self.name)
        return status

    def _first_cause(self) -> str:
        """The oldest failure of the last operation; later ones only follow from it."""
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        for event in sorted(events, key=lambda event: event["Timestamp"]):
            reason = event.get("ResourceStatusReason")
            if event["ResourceStatus"].endswith("_FAILED") and reason and "cancelled" not in reason:
                return f"{event['LogicalResourceId']}: {reason.rstrip('.')}."
        return "CloudFormation gives no reason."


class _Pauses:
    """Looks often at first, then more rarely; ends a wait that has become hopeless."""

    def __init__(self) -> None:
        self._pause = _PAUSE
        self._deadline = time.monotonic() + _SECONDS

    def wait(self, name: str) -> None:
        if time.monotonic() > self._deadline:
            raise MdlcError(
                f"The stack {name} is still busy after {_SECONDS / 60:.0f} minutes: deploy again later."
            )
        time.sleep(self._pause)
        self._pause = min(self._pause * 1.5, _SLOWEST_PAUSE)
