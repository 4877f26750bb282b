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
    jobs: set[str] = set()
    for name, state in tasks(definition):
        resource = str(state["Resource"])
        given = state.get("Parameters", state.get("Arguments", {}))
        if resource.endswith(":states:::lambda:invoke"):
            functions.add(_named(file, name, given, "FunctionName", "FunctionArn"))
        elif resource.endswith((":states:::batch:submitJob", ":states:::batch:submitJob.sync")):
            jobs.add(_named(file, name, given, "JobQueue", "JobQueueArn"))
            jobs.add(_named(file, name, given, "JobDefinition", "JobDefinitionArn"))
        else:
            raise WorkflowError(
                f"{file}: what {name} may do is not known for {resource}: add it to workflows/permissions.py."
            )
    statements = [*_calls(functions), *_submissions(jobs)]
    return {"Version": "2012-10-17", "Statement": statements}


def _named(file: str, task: str, given: Mapping[str, Any], member: str, placeholder: str) -> str:
    """The ARN that `member` of a task's parameters is."""
    found = given.get(member)
    if not isinstance(found, str) or not found.startswith("arn:"):
        raise WorkflowError(f"{file}: {task} must name its {member} by a ${{...{placeholder}}} placeholder.")
    return found


def _calls(functions: set[str]) -> Iterator[dict[str, Any]]:
    if functions:
        yield {
            "Sid": "CallFunctions",
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": sorted(arn for function in functions for arn in (function, f"{function}:*")),
        }


def _submissions(jobs: set[str]) -> Iterator[dict[str, Any]]:
    """To submit jobs, to wait for them by way of EventBridge, and to end them with the execution.

    Describing knows no resources. Source: https://docs.aws.amazon.com/step-functions/latest/dg/batch-iam.html
    """
    if not jobs:
        return
    arns = sorted(jobs | {f"{arn}:*" for arn in jobs if ":job-definition/" in arn})
    _, partition, _, region, account, *_ = arns[0].split(":")
    rule = f"arn:{partition}:events:{region}:{account}:rule/StepFunctionsGetEventsForBatchJobsRule"
    yield {"Sid": "SubmitJobs", "Effect": "Allow", "Action": "batch:SubmitJob", "Resource": arns}
    yield {
        "Sid": "EndJobs",
        "Effect": "Allow",
        "Action": "batch:TerminateJob",
        "Resource": f"arn:{partition}:batch:{region}:{account}:job/*",
    }
    yield {"Sid": "WatchJobs", "Effect": "Allow", "Action": "batch:DescribeJobs", "Resource": "*"}
    yield {
        "Sid": "HearOfJobs",
        "Effect": "Allow",
        "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        "Resource": rule,
    }


def tasks(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every Task state, nested ones included, with its name."""
    for name, state in machine.get("States", {}).items():
        if state.get("Type") == "Task":
            yield name, state
        for nested in filter(
            None, [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
        ):
            yield from tasks(nested)
