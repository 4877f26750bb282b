"""What a state machine's role must be allowed, read off its definition: no more."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.definitions import WorkflowError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def policy(file: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """The policy document for a definition whose placeholders are filled.

    Raises WorkflowError for a task whose rights we do not know, rather than guess or grant too much.
    """
    functions: set[str] = set()
    for name, state in tasks(definition):
        resource = str(state["Resource"])
        if not resource.endswith(":states:::lambda:invoke"):
            raise WorkflowError(
                f"{file}: what {name} may do is not known for {resource}: add it to workflows/permissions.py."
            )
        function = state.get("Parameters", state.get("Arguments", {})).get("FunctionName")
        if not isinstance(function, str) or not function.startswith("arn:"):
            raise WorkflowError(
                f"{file}: {name} must name its function by a ${{...FunctionArn}} placeholder."
            )
        functions.add(function)
    statements = [
        {
            "Sid": "CallFunctions",
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": sorted(arn for function in functions for arn in (function, f"{function}:*")),
        }
    ]
    return {"Version": "2012-10-17", "Statement": statements if functions else []}


def tasks(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every Task state, nested ones included, with its name."""
    for name, state in machine.get("States", {}).items():
        if state.get("Type") == "Task":
            yield name, state
        for nested in filter(
            None, [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
        ):
            yield from tasks(nested)
