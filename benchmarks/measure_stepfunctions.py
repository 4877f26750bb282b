"""Step Functions: what a state costs, by the executions' own dates; every answer is checked."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.clients import CREDENTIALS, package
from benchmarks.samples import percentile

STATES = 200
RUNS = 5
ITEMS = 1000
CALLS = 50
COUNT = "def handler(event, context):\n    return {'n': event['n'] + 1}\n"

type Row = dict[str, Any]


def run(endpoint_url: str) -> list[Row]:
    """The figures of the emulator at `endpoint_url`; milliseconds unless the unit says otherwise."""
    with _bench(endpoint_url) as bench:
        return [*bench.states(), *bench.tasks(), *bench.maps(), *bench.calls()]


class _Bench:
    def __init__(self, sfn: Any, role: str, function: str) -> None:
        self.sfn, self.role, self.function = sfn, role, function
        self.made: list[str] = []

    def states(self) -> Iterator[Row]:
        add = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}}
        yield {
            "name": "Pass state with an intrinsic",
            "ours": self._per_state(add, STATES, {"n": 0}, {"n": STATES}),
            "unit": "ms",
        }
        jsonata = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"n": "{% $states.input.n + 1 %}"}}
        yield {
            "name": "Pass state in JSONata",
            "ours": self._per_state(jsonata, STATES, {"n": 0}, {"n": STATES}),
            "unit": "ms",
        }

    def tasks(self) -> Iterator[Row]:
        task = {"Type": "Task", "Resource": self.function}
        self._per_state(task, 1, {"n": 0}, {"n": 1})
        took = self._per_state(task, STATES, {"n": 0}, {"n": STATES})
        yield {"name": "Lambda task whose resource is the function's ARN", "ours": took, "unit": "ms"}

    def maps(self) -> Iterator[Row]:
        processor = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
        items = list(range(ITEMS))
        state = {"Type": "Map", "ItemProcessor": processor}
        yield {
            "name": f"Map of {ITEMS} items over a Pass",
            "ours": self._per_state(state, 1, items, items),
            "unit": "ms",
        }
        distributed = {**processor, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
        took = self._per_state({"Type": "Map", "ItemProcessor": distributed}, 1, items, items)
        yield {"name": f"Distributed Map of {ITEMS} items over a Pass", "ours": took, "unit": "ms"}

    def calls(self) -> Iterator[Row]:
        machine = self._machine(_chain({"Type": "Pass"}, 1))
        started, described = [], []
        for _ in range(CALLS):
            since = time.perf_counter()
            execution = self.sfn.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
            between = time.perf_counter()
            self.sfn.describe_execution(executionArn=execution)
            started.append(1000 * (between - since))
            described.append(1000 * (time.perf_counter() - between))
        yield {"name": "StartExecution, p50", "ours": percentile(started, 0.5), "unit": "ms"}
        yield {"name": "DescribeExecution, p50", "ours": percentile(described, 0.5), "unit": "ms"}

    def _per_state(self, state: dict[str, Any], number: int, data: Any, expected: Any) -> float:
        """Median over the runs of an execution's duration, divided by its states."""
        machine = self._machine(_chain(state, number))
        return percentile([self._once(machine, data, expected) / number for _ in range(RUNS)], 0.5)

    def _once(self, machine: str, data: Any, expected: Any) -> float:
        execution = self.sfn.start_execution(stateMachineArn=machine, input=json.dumps(data))["executionArn"]
        deadline = time.monotonic() + 60
        while (described := self.sfn.describe_execution(executionArn=execution))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise RuntimeError(f"{execution} still runs after a minute")
            time.sleep(0.005)
        if described["status"] != "SUCCEEDED" or json.loads(described["output"]) != expected:
            raise RuntimeError(f"{execution} ended otherwise than it should: {described}")
        return 1000 * float((described["stopDate"] - described["startDate"]).total_seconds())

    def _machine(self, definition: dict[str, Any]) -> str:
        arn = str(
            self.sfn.create_state_machine(
                name=f"bench-{uuid.uuid4().hex[:12]}", definition=json.dumps(definition), roleArn=self.role
            )["stateMachineArn"]
        )
        self.made.append(arn)
        return arn


def _chain(state: dict[str, Any], number: int) -> dict[str, Any]:
    states = {
        f"S{index}": {**state, **({"End": True} if index == number - 1 else {"Next": f"S{index + 1}"})}
        for index in range(number)
    }
    return {"StartAt": "S0", "States": states}


@contextmanager
def _bench(endpoint_url: str) -> Iterator[_Bench]:
    session = boto3.Session(**CREDENTIALS)  # type: ignore[arg-type]
    options = {"endpoint_url": endpoint_url, "config": Config(retries={"max_attempts": 0})}
    iam, lambda_ = session.client("iam", **options), session.client("lambda", **options)  # type: ignore[call-overload]
    name = f"bench-{uuid.uuid4().hex[:8]}"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    function = lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        MemorySize=256,
        Code={"ZipFile": package(COUNT)},
    )["FunctionArn"]
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    bench = _Bench(session.client("stepfunctions", **options), role, function)  # type: ignore[call-overload]
    try:
        yield bench
    finally:
        for arn in bench.made:
            bench.sfn.delete_state_machine(stateMachineArn=arn)
        lambda_.delete_function(FunctionName=name)
        iam.delete_role(RoleName=name)
