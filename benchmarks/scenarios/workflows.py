"""Step Functions: the cost of a state, by executions of many."""

import json
import time
from typing import Any

from benchmarks.clients import Cloud, WrongAnswerError, unique
from benchmarks.scenarios.plan import Measured, Plan

STATES = 100
TASKS = 20
POLL = 0.02
ADDER = """\
import os
environment = os.urandom(8).hex()
def handler(event, context):
    return {"n": event["n"] + 1, "by": sorted({*event["by"], environment})}
"""


def chain(states: int, state: dict[str, Any]) -> str:
    """A state machine of `states` copies of `state`, one after the other."""
    body = {f"S{i}": state | {"Next": f"S{i + 1}"} for i in range(states - 1)}
    return json.dumps({"StartAt": "S0", "States": body | {f"S{states - 1}": state | {"End": True}}})


def execute(cloud: Cloud, arn: str, given: dict[str, Any], visits: int) -> tuple[float, Any]:
    """Milliseconds from startDate to stopDate, and the output. Polling an execution closely would slow it, so
    its own dates are read; they are refused when they claim more than the client's clock saw pass.
    Its history must tell of `visits` states entered and left."""
    states = cloud.client("stepfunctions")
    since = time.perf_counter()
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"]
    while (seen := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(POLL)
    passed = (time.perf_counter() - since) * 1e3
    if seen["status"] != "SUCCEEDED":
        raise WrongAnswerError(
            f"the execution ended {seen['status']}: {seen.get('error')} {seen.get('cause')!r:.200}"
        )
    took = (seen["stopDate"] - seen["startDate"]).total_seconds() * 1e3
    if not 0 < took <= passed + 2:
        raise WrongAnswerError(f"the execution says it took {took:.1f} ms, the client waited {passed:.1f} ms")
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    told = [event["type"] for page in pages for event in page["events"]]
    for kind in ("StateEntered", "StateExited"):
        if sum(event.endswith(kind) for event in told) != visits:
            raise WrongAnswerError(f"the history of {visits} states has {len(told)} events")
    return took, json.loads(seen["output"])


def _machine(cloud: Cloud, definition: str) -> str:
    states = cloud.client("stepfunctions")
    made = states.create_state_machine(name=unique("bench"), definition=definition, roleArn=cloud.role)
    return str(made["stateMachineArn"])


def passes(cloud: Cloud, plan: Plan) -> Measured:
    """Chains of Pass states that add a field; the whole duration over the number of states."""
    arn = _machine(cloud, chain(STATES, {"Type": "Pass", "Result": True, "ResultPath": "$.passed"}))
    values = []
    for _ in range(plan.executions + 1):
        took, output = execute(cloud, arn, {"n": 1}, STATES)
        if output != {"n": 1, "passed": True}:
            raise WrongAnswerError(f"the Pass states gave {output!r:.200}")
        values.append(took / STATES)
    return {"sfn_pass": values[1:]}


def tasks(cloud: Cloud, plan: Plan) -> Measured:
    """Chains of tasks on one warm function that counts them; the whole duration over the number of tasks."""
    name = cloud.create(ADDER)
    cloud.await_active(name)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": name, "Payload.$": "$"},
        "OutputPath": "$.Payload",
    }
    measured: dict[str, list[float]] = {}
    for figure, count, share in (("sfn_five_tasks", 5, 1), ("sfn_task", TASKS, TASKS)):
        arn, values = _machine(cloud, chain(count, task)), []
        for _ in range(plan.executions + 1):
            took, output = execute(cloud, arn, {"n": 0, "by": []}, count)
            if output.get("n") != count or not output.get("by"):
                raise WrongAnswerError(f"{count} tasks that each add one gave {output!r:.200}")
            values.append(took / share)
        measured[figure] = values[1:]
    cloud.delete(name)
    return measured
