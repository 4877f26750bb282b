"""The API around executions: starting, listing, stopping, paging, versions, aliases, express, TestState."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.conformance.stepfunctions.conftest import Workflows, program
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html"
)

WAITING = program({"W": {"Type": "Wait", "Seconds": 60}})
PASSING = program({"P": {"Type": "Pass"}})


def test_starting_again_by_name(workflows: Workflows) -> None:
    """Idempotent while it runs with the same input; refused with another one, or once it has ended."""
    client = workflows.client
    machine = workflows.make(WAITING)
    first = client.start_execution(stateMachineArn=machine, name="once", input='{"a": 1}')
    again = client.start_execution(stateMachineArn=machine, name="once", input='{"a": 1}')
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=machine, name="once", input='{"a": 2}')
    client.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=machine, name="once", input='{"a": 1}')


@pytest.mark.parametrize("name", ["a b", "x" * 81, "a/b", "tab\t", "q?"])
def test_names_that_are_refused(workflows: Workflows, name: str) -> None:
    client = workflows.client
    machine = workflows.make(PASSING)
    with pytest.raises(client.exceptions.InvalidName):
        client.start_execution(stateMachineArn=machine, name=name)


def test_input_that_is_refused(workflows: Workflows) -> None:
    client = workflows.client
    machine = workflows.make(PASSING)
    for text in ("{", json.dumps("x" * 262_144)):
        with pytest.raises(client.exceptions.InvalidExecutionInput):
            client.start_execution(stateMachineArn=machine, input=text)


def test_arns_that_are_refused(workflows: Workflows) -> None:
    client = workflows.client
    machine = workflows.make(PASSING)
    with pytest.raises(client.exceptions.InvalidArn):
        client.start_execution(stateMachineArn="nonsense")
    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        client.start_execution(stateMachineArn=f"{machine}-not")
    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.describe_execution(executionArn=machine.replace(":stateMachine:", ":execution:") + ":nobody")


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html"
)
def test_describe_execution(workflows: Workflows) -> None:
    machine = workflows.make(PASSING)
    execution = workflows.start(machine, {"a": 1}, name="described")
    workflows.outcome(execution)
    described = workflows.client.describe_execution(executionArn=execution)
    assert execution == machine.replace(":stateMachine:", ":execution:") + ":described"
    assert (described["name"], described["stateMachineArn"], described["status"]) == (
        "described",
        machine,
        "SUCCEEDED",
    )
    assert (described["input"], described["output"]) == ('{"a":1}', '{"a":1}')
    assert described["inputDetails"] == described["outputDetails"] == {"included": True}
    assert described["stopDate"] >= described["startDate"]


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html")
def test_stop_ends_at_once(workflows: Workflows, functions: Functions) -> None:
    name = functions.make("import time\ndef handler(event, context):\n    time.sleep(20)\n", Timeout=30)
    task = {"Type": "Task", "Resource": functions.arn(name)}
    retry = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "nobody-made-this"},
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60}],
    }
    client = workflows.client
    for state, reached in (
        ({"Type": "Wait", "Seconds": 60}, "WaitStateEntered"),
        (task, "LambdaFunctionStarted"),
        (retry, "TaskFailed"),
        ({"Type": "Parallel", "Branches": [WAITING, WAITING]}, "WaitStateEntered"),
        ({"Type": "Map", "ItemsPath": "$.l", "ItemProcessor": WAITING}, "WaitStateEntered"),
    ):
        execution = workflows.start(workflows.make(program({"S": state})), {"l": [1, 2]})
        eventually(
            lambda arn=execution, kind=reached: (
                kind in [event["type"] for event in client.get_execution_history(executionArn=arn)["events"]]
            )
        )
        client.stop_execution(executionArn=execution, error="Enough", cause="said so")
        described = client.describe_execution(executionArn=execution)
        assert (described["status"], described["error"], described["cause"]) == (
            "ABORTED",
            "Enough",
            "said so",
        )
        last = client.get_execution_history(executionArn=execution, reverseOrder=True)["events"][0]
        assert last["type"] == "ExecutionAborted"
        assert last["executionAbortedEventDetails"] == {"error": "Enough", "cause": "said so"}


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html")
def test_list_executions(workflows: Workflows) -> None:
    client = workflows.client
    machine = workflows.make(
        program(
            {
                "C": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.ok", "BooleanEquals": True, "Next": "S"}],
                    "Default": "F",
                },
                "F": {"Type": "Fail"},
                "S": {"Type": "Succeed"},
            }
        )
    )
    arns = {ok: [workflows.start(machine, {"ok": ok}) for _ in range(3)] for ok in (True, False)}
    for arn in arns[True] + arns[False]:
        workflows.outcome(arn)
    found = client.list_executions(stateMachineArn=machine, statusFilter="FAILED")["executions"]
    assert {item["executionArn"] for item in found} == set(arns[False])
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=machine, PaginationConfig={"PageSize": 2}
    )
    listed = [item["executionArn"] for page in pages for item in page["executions"]]
    assert sorted(listed) == sorted(arns[True] + arns[False])
    newest = client.list_executions(stateMachineArn=machine)["executions"]
    assert [item["startDate"] for item in newest] == sorted(
        (item["startDate"] for item in newest), reverse=True
    )


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html"
)
def test_history_in_pages_and_backwards(workflows: Workflows) -> None:
    client = workflows.client
    outcome = workflows.run({f"P{n}": {"Type": "Pass"} for n in range(4)}, {"a": 1})
    whole = [event["id"] for event in outcome.history()]
    assert whole == list(range(1, 11))
    first = client.get_execution_history(executionArn=outcome.arn, maxResults=4)
    rest = client.get_execution_history(
        executionArn=outcome.arn, maxResults=100, nextToken=first["nextToken"]
    )
    assert [event["id"] for event in first["events"] + rest["events"]] == whole
    assert "nextToken" not in rest
    backwards = client.get_execution_history(executionArn=outcome.arn, reverseOrder=True)["events"]
    assert [event["id"] for event in backwards] == whole[::-1]
    bare = client.get_execution_history(executionArn=outcome.arn, includeExecutionData=False)["events"]
    assert "input" not in bare[0]["executionStartedEventDetails"]


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartSyncExecution.html"
)
def test_express_executions(workflows: Workflows) -> None:
    client = workflows.client
    good = workflows.make(program({"P": {"Type": "Pass", "Parameters": {"v.$": "$.a"}}}), type="EXPRESS")
    answer = client.start_sync_execution(stateMachineArn=good, input='{"a": 1}', name="named")
    assert (answer["status"], json.loads(answer["output"]), answer["name"]) == (
        "SUCCEEDED",
        {"v": 1},
        "named",
    )
    assert answer["executionArn"].split(":")[5] == "express"
    bad = workflows.make(program({"F": {"Type": "Fail", "Error": "E", "Cause": "c"}}), type="EXPRESS")
    failed = client.start_sync_execution(stateMachineArn=bad)
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "E", "c")
    late = workflows.make(program({"W": {"Type": "Wait", "Seconds": 30}}, TimeoutSeconds=1), type="EXPRESS")
    assert client.start_sync_execution(stateMachineArn=late)["status"] == "TIMED_OUT"
    started = client.start_execution(stateMachineArn=good, input='{"a": 1}')
    with pytest.raises(client.exceptions.InvalidArn):
        client.describe_execution(executionArn=started["executionArn"])
    standard = workflows.make(PASSING)
    with pytest.raises(client.exceptions.StateMachineTypeNotSupported):
        client.start_sync_execution(stateMachineArn=standard)


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html")
def test_status_changes_reach_eventbridge(
    workflows: Workflows, aws: Aws, unique: Callable[[str], str]
) -> None:
    events, sqs = aws.client("events"), aws.client("sqs")
    machine = workflows.make(PASSING)
    queue = sqs.create_queue(QueueName=unique("changes"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = unique("changes")
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])
    execution = workflows.start(machine, {"a": 1})
    seen: list[dict[str, Any]] = []

    def both() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            seen.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(seen) >= 2

    eventually(both)
    details = {event["detail"]["status"]: event["detail"] for event in seen}
    assert set(details) == {"RUNNING", "SUCCEEDED"}
    done = details["SUCCEEDED"]
    assert (done["executionArn"], done["input"], done["output"]) == (execution, '{"a":1}', '{"a":1}')
    assert seen[0]["detail-type"] == "Step Functions Execution Status Change"
    assert isinstance(done["startDate"], int)
    assert isinstance(done["stopDate"], int)
    events.remove_targets(Rule=rule, Ids=["q"])
    events.delete_rule(Name=rule)
    sqs.delete_queue(QueueUrl=queue)


@pytest.mark.source("https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html")
def test_accounts_and_regions_are_kept_apart(workflows: Workflows, aws: Aws) -> None:
    machine = workflows.make(PASSING)
    elsewhere = Workflows(aws.at(region="eu-west-1"), workflows.role)
    assert machine not in [
        item["stateMachineArn"] for item in elsewhere.client.list_state_machines()["stateMachines"]
    ]
    with pytest.raises(elsewhere.client.exceptions.StateMachineDoesNotExist):
        elsewhere.start(machine)
    other = elsewhere.make(PASSING)
    assert other.split(":")[3] == "eu-west-1"
    assert elsewhere.outcome(elsewhere.start(other, {"x": 1})).output == {"x": 1}
    elsewhere.client.delete_state_machine(stateMachineArn=other)


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html")
def test_express_executions_log_their_history(
    workflows: Workflows, aws: Aws, unique: Callable[[str], str]
) -> None:
    logs = aws.client("logs")
    group = f"/aws/vendedlogs/states/{unique('express')}"
    logs.create_log_group(logGroupName=group)
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["arn"]
    machine = workflows.make(
        PASSING,
        type="EXPRESS",
        loggingConfiguration={
            "level": "ALL",
            "includeExecutionData": True,
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
        },
    )
    answer = workflows.client.start_sync_execution(stateMachineArn=machine, input='{"a": 1}')

    def logged() -> list[dict[str, Any]]:
        found = logs.filter_log_events(logGroupName=group)["events"]
        entries = [json.loads(event["message"]) for event in found if event["message"].startswith("{")]
        return entries if len(entries) >= 4 else []

    entries = sorted(eventually(logged), key=lambda entry: int(entry["id"]))
    assert [entry["type"] for entry in entries] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert entries[1]["details"]["input"] == '{"a":1}'
    assert {entry["execution_arn"] for entry in entries} == {answer["executionArn"]}
    logs.delete_log_group(logGroupName=group)


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html"
)
def test_a_failed_execution_is_redriven(workflows: Workflows, aws: Aws, unique: Callable[[str], str]) -> None:
    """It goes on from the state that failed, with that state's input and the variables of before."""
    client, ssm = workflows.client, aws.client("ssm")
    name = unique("/conformance/redrive")
    states = {
        "First": {"Type": "Pass", "Assign": {"kept": 7}, "Result": {"n": 1}},
        "Read": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:ssm:getParameter",
            "Parameters": {"Name": name},
            "ResultSelector": {"value.$": "$.Parameter.Value"},
            "ResultPath": "$.read",
        },
        "Last": {"Type": "Pass", "Parameters": {"kept.$": "$kept", "n.$": "$.n", "read.$": "$.read.value"}},
    }
    outcome = workflows.run(states)
    assert outcome.status == "FAILED"
    described = client.describe_execution(executionArn=outcome.arn)
    assert (described["redriveStatus"], described["redriveCount"]) == ("REDRIVABLE", 0)
    before = len(outcome.history())
    ssm.put_parameter(Name=name, Value="there", Type="String")
    answer = client.redrive_execution(executionArn=outcome.arn, clientToken="once")
    again = workflows.outcome(outcome.arn)
    assert (again.status, again.output) == ("SUCCEEDED", {"kept": 7, "n": 1, "read": "there"})
    repeated = client.redrive_execution(executionArn=outcome.arn, clientToken="once")
    assert repeated["redriveDate"] == answer["redriveDate"]
    described = client.describe_execution(executionArn=outcome.arn)
    assert (described["redriveStatus"], described["redriveCount"]) == ("NOT_REDRIVABLE", 1)
    events = again.history()
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[before]["type"] == "ExecutionRedriven"
    assert events[before]["executionRedrivenEventDetails"] == {"redriveCount": 1}
    assert not any(
        event.get("stateEnteredEventDetails", {}).get("name") == "First" for event in events[before:]
    )
    with pytest.raises(client.exceptions.ExecutionNotRedrivable):
        client.redrive_execution(executionArn=outcome.arn)
    ssm.delete_parameter(Name=name)


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html"
)
def test_a_child_of_a_map_run_is_described(workflows: Workflows) -> None:
    processor = {**PASSING, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    outcome = workflows.run({"M": {"Type": "Map", "ItemProcessor": processor}}, ["a"])
    client = workflows.client
    run = client.list_map_runs(executionArn=outcome.arn)["mapRuns"][0]["mapRunArn"]
    child = client.list_executions(mapRunArn=run)["executions"][0]["executionArn"]
    described = client.describe_execution(executionArn=child)
    assert (described["status"], described["output"], described["mapRunArn"]) == ("SUCCEEDED", '"a"', run)
    history = client.get_execution_history(executionArn=child)["events"]
    assert [event["type"] for event in history] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html")
@pytest.mark.parametrize("branches", [False, True])
def test_a_history_of_25000_events_is_full(workflows: Workflows, branches: bool) -> None:
    """What would be event 25,000 is ExecutionFailed instead, also when a branch brings it about."""
    loop = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}
    definition: dict[str, Any] = {"StartAt": "A", "States": loop}
    if branches:
        definition = program({"P": {"Type": "Parallel", "Branches": [definition]}})
    client = workflows.client
    execution = workflows.start(workflows.make(definition))
    outcome = workflows.outcome(execution, within=60)
    assert outcome.status == "FAILED"
    assert "maximum number of history events (25000)" in str(outcome.cause)
    newest = client.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=2)["events"]
    assert [event["id"] for event in newest] == [25_000, 24_999]
    assert newest[0]["type"] == "ExecutionFailed"


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html")
def test_express_executions_have_no_limit_of_events(workflows: Workflows) -> None:
    again = [{"Variable": "$.n", "NumericLessThan": 6_500, "Next": "Add"}]
    states = {
        "Add": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}},
        "More": {"Type": "Choice", "Choices": again, "Default": "Done"},
        "Done": {"Type": "Succeed"},
    }
    machine = workflows.make(program(states), type="EXPRESS")
    answer = workflows.client.start_sync_execution(stateMachineArn=machine, input='{"n": 0}')
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"n": 6_500})
