"""Task states: functions, services, SDK calls, task tokens, nested executions and activities."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.conformance.stepfunctions.conftest import Workflows, program
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html"
)

ECHO = "def handler(event, context):\n    return {'got': event}\n"


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html")
def test_a_function_by_its_arn_and_by_invoke(workflows: Workflows, functions: Functions) -> None:
    name = functions.make(ECHO)
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": name, "Payload.$": "$"},
    }
    outcome = workflows.run({"A": {"Type": "Task", "Resource": functions.arn(name)}, "B": invoke}, {"x": "é"})
    assert outcome.output["Payload"] == {"got": {"got": {"x": "é"}}}
    assert (outcome.output["StatusCode"], outcome.output["ExecutedVersion"]) == (200, "$LATEST")
    types = outcome.event_types()
    assert types[2:5] == ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]
    assert types[7:10] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    scheduled = next(event for event in outcome.history() if event["type"] == "TaskScheduled")
    details = scheduled["taskScheduledEventDetails"]
    assert (details["resourceType"], details["resource"], details["region"]) == (
        "lambda",
        "invoke",
        workflows.aws.region,
    )


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html")
@pytest.mark.parametrize("value", [None, "HelloWorld", 0, 0.5, True, [], {}, {"a": None}])
def test_any_json_is_a_payload(workflows: Workflows, functions: Functions, value: Any) -> None:
    name = functions.make("def handler(event, context):\n    return event\n")
    direct = {"Type": "Task", "Resource": functions.arn(name), "InputPath": "$.v"}
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": name, "Payload.$": "$.v"},
        "OutputPath": "$.Payload",
    }
    for state in (direct, invoke):
        assert workflows.value(state, {"v": value}) == value


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html")
def test_a_function_that_does_not_exist(workflows: Workflows, aws: Aws) -> None:
    parameters = {"FunctionName": "nobody-made-this", "Payload": {}}
    outcome = workflows.run(
        {"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters}}
    )
    assert (outcome.status, outcome.error) == ("FAILED", "Lambda.ResourceNotFoundException")


def test_a_task_acts_as_the_role_of_its_state_machine(workflows: Workflows) -> None:
    got = workflows.value({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sts:getCallerIdentity"})
    account, role = workflows.role.split(":", 5)[4], workflows.role.rpartition("/")[2]
    assert got["Arn"].startswith(f"arn:aws:sts::{account}:assumed-role/{role}/")


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html"
)
def test_a_task_with_credentials_acts_as_another_role(
    workflows: Workflows, aws: Aws, unique: Callable[[str], str]
) -> None:
    iam = aws.client("iam")
    name = unique("other")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": workflows.role}, "Action": "sts:AssumeRole"}],
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    own = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sts:getCallerIdentity",
        "ResultPath": "$.own",
    }
    other = {**own, "Credentials": {"RoleArn.$": "$.role"}, "ResultPath": "$.other"}
    output = workflows.run(
        {"Own": own, "Other": other, "Again": {**own, "ResultPath": "$.again"}}, {"role": arn}
    ).output
    assert f":assumed-role/{name}/" in output["other"]["Arn"]
    assert output["own"]["Arn"] == output["again"]["Arn"] != output["other"]["Arn"]
    iam.delete_role(RoleName=name)


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html")
def test_sdk_calls_and_their_errors(workflows: Workflows, aws: Aws, unique: Callable[[str], str]) -> None:
    name = unique("/conformance/parameter")
    states = {
        "Put": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:ssm:putParameter",
            "Parameters": {"Name": name, "Value": "v1", "Type": "String"},
        },
        "Get": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:ssm:getParameter",
            "Parameters": {"Name": name},
            "OutputPath": "$.Parameter.Value",
        },
    }
    assert workflows.run(states).output == "v1"
    missing = {**states["Get"], "Parameters": {"Name": f"{name}-not"}}
    outcome = workflows.run({"Get": missing})
    assert outcome.error == "Ssm.ParameterNotFoundException"
    assert outcome.cause is not None
    assert "Service: Ssm, Status Code: 400, Request ID: " in outcome.cause


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html")
@pytest.mark.parametrize(
    "resource",
    ["aws-sdk:nothing:doThis", "aws-sdk:sqs:noSuchAction", "athena:startQueryExecution.sync", "unheard:of"],
)
def test_unknown_resources_are_refused(workflows: Workflows, resource: str) -> None:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": {}}
    with pytest.raises(ClientError) as refused:
        workflows.make(program({"T": state}))
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-sqs.html")
def test_messages_with_a_task_token(workflows: Workflows, aws: Aws, unique: Callable[[str], str]) -> None:
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName=unique("tokens"))["QueueUrl"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token", "n.$": "$.n"}},
        "Catch": [{"ErrorEquals": ["Refused"], "Next": "End"}],
        "Next": "End",
    }
    machine = workflows.make(program({"T": state, "End": {"Type": "Succeed"}}))
    client = workflows.client

    def token() -> str:
        message = eventually(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))[
            0
        ]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return str(json.loads(message["Body"])["token"])

    first = workflows.start(machine, {"n": 1})
    answered = token()
    client.send_task_success(taskToken=answered, output='{"done": true}')
    assert workflows.outcome(first).output == {"done": True}
    with pytest.raises(client.exceptions.TaskTimedOut):
        client.send_task_success(taskToken=answered, output="{}")
    second = workflows.start(machine, {"n": 2})
    client.send_task_failure(taskToken=token(), error="Refused", cause="no")
    assert workflows.outcome(second).output == {"Error": "Refused", "Cause": "no"}
    with pytest.raises(client.exceptions.InvalidToken):
        client.send_task_success(taskToken="nonsense", output="{}")
    with pytest.raises(client.exceptions.InvalidOutput):
        client.send_task_success(taskToken=answered, output="{")
    sqs.delete_queue(QueueUrl=queue)


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html")
def test_a_missed_heartbeat(workflows: Workflows, aws: Aws, unique: Callable[[str], str]) -> None:
    """Reported as States.Timeout; Catch may name it States.HeartbeatTimeout."""
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName=unique("beats"))["QueueUrl"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
        "HeartbeatSeconds": 1,
        "TimeoutSeconds": 30,
    }
    outcome = workflows.run({"T": state})
    assert (outcome.status, outcome.error) == ("FAILED", "States.Timeout")
    assert "TaskTimedOut" in outcome.event_types()
    for name in ("States.HeartbeatTimeout", "States.Timeout"):
        catch = [{"ErrorEquals": [name], "Next": "End"}]
        states = {"T": {**state, "Catch": catch, "Next": "End"}, "End": {"Type": "Succeed"}}
        assert workflows.run(states).status == "SUCCEEDED"
    sqs.delete_queue(QueueUrl=queue)


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html")
def test_nested_executions(workflows: Workflows) -> None:
    inner = workflows.make(
        program({"I": {"Type": "Pass", "Parameters": {"twice.$": "States.Array($.n, $.n)"}}})
    )

    def nested(pattern: str) -> Any:
        parameters = {"StateMachineArn": inner, "Input": {"n.$": "$.n"}}
        resource = f"arn:aws:states:::states:startExecution{pattern}"
        return workflows.value({"Type": "Task", "Resource": resource, "Parameters": parameters}, {"n": 3})

    started = nested("")
    assert set(started) == {"ExecutionArn", "StartDate"}
    waited = nested(".sync")
    assert (waited["Status"], waited["Output"], waited["Input"]) == (
        "SUCCEEDED",
        '{"twice":[3,3]}',
        '{"n":3}',
    )
    parsed = nested(".sync:2")
    assert (parsed["Status"], parsed["Output"], parsed["Input"]) == ("SUCCEEDED", {"twice": [3, 3]}, {"n": 3})


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html")
def test_a_failed_child_and_a_stopped_parent(workflows: Workflows) -> None:
    broken = workflows.make(program({"F": {"Type": "Fail", "Error": "Inner", "Cause": "c"}}))
    resource = "arn:aws:states:::states:startExecution.sync:2"
    outcome = workflows.run(
        {"T": {"Type": "Task", "Resource": resource, "Parameters": {"StateMachineArn": broken}}}
    )
    assert (outcome.status, outcome.error) == ("FAILED", "States.TaskFailed")
    assert outcome.cause is not None
    assert json.loads(outcome.cause)["Status"] == "FAILED"

    slow = workflows.make(program({"W": {"Type": "Wait", "Seconds": 60}}))
    parent = workflows.make(
        program({"T": {"Type": "Task", "Resource": resource, "Parameters": {"StateMachineArn": slow}}})
    )
    execution = workflows.start(parent)
    client = workflows.client
    child = eventually(lambda: client.list_executions(stateMachineArn=slow)["executions"])[0]["executionArn"]
    eventually(
        lambda: any(
            e["type"] == "TaskSubmitted"
            for e in client.get_execution_history(executionArn=execution)["events"]
        )
    )
    client.stop_execution(executionArn=execution)
    assert workflows.outcome(execution).status == "ABORTED"
    assert workflows.outcome(child).status == "ABORTED"


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-ddb.html")
def test_dynamodb(workflows: Workflows, aws: Aws, unique: Callable[[str], str]) -> None:
    dynamodb = aws.client("dynamodb")
    table = unique("orders")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    key = {"id": {"S.$": "$.id"}}
    states = {
        "Put": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Parameters": {"TableName": table, "Item": {**key, "n": {"N": "7"}}},
            "ResultPath": None,
        },
        "Get": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Parameters": {"TableName": table, "Key": key},
            "OutputPath": "$.Item.n.N",
        },
    }
    assert workflows.run(states, {"id": "a"}).output == "7"
    dynamodb.delete_table(TableName=table)


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html")
def test_activities(workflows: Workflows, unique: Callable[[str], str]) -> None:
    client = workflows.client
    activity = client.create_activity(name=unique("work"))["activityArn"]
    machine = workflows.make(program({"A": {"Type": "Task", "Resource": activity, "TimeoutSeconds": 30}}))
    execution = workflows.start(machine, {"job": 1})
    task = eventually(
        lambda: (
            (got := client.get_activity_task(activityArn=activity, workerName="me")).get("taskToken") and got
        )
    )
    assert json.loads(task["input"]) == {"job": 1}
    client.send_task_heartbeat(taskToken=task["taskToken"])
    client.send_task_success(taskToken=task["taskToken"], output='"made"')
    outcome = workflows.outcome(execution)
    assert outcome.output == "made"
    assert outcome.event_types()[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    client.delete_activity(activityArn=activity)


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html")
def test_an_activity_that_nobody_works_on(workflows: Workflows, unique: Callable[[str], str]) -> None:
    client = workflows.client
    activity = client.create_activity(name=unique("idle"))["activityArn"]
    outcome = workflows.run({"A": {"Type": "Task", "Resource": activity, "TimeoutSeconds": 1}}, "old")
    assert (outcome.status, outcome.error) == ("FAILED", "States.Timeout")
    # Nor does a worker get what has timed out.
    execution = workflows.start(workflows.make(program({"A": {"Type": "Task", "Resource": activity}})), "new")
    task = client.get_activity_task(activityArn=activity)
    assert task["input"] == '"new"'
    client.send_task_failure(taskToken=task["taskToken"], error="Tired")
    assert workflows.outcome(execution).error == "Tired"
    client.delete_activity(activityArn=activity)


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html")
def test_events_and_notifications(workflows: Workflows, aws: Aws, unique: Callable[[str], str]) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    states = {
        "Publish": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": {"TopicArn": topic, "Message.$": "$.text"},
            "ResultPath": "$.sent",
        },
        "Put": {
            "Type": "Task",
            "Resource": "arn:aws:states:::events:putEvents",
            "Parameters": {"Entries": [{"Source": "mine", "DetailType": "t", "Detail": {"x.$": "$.text"}}]},
            "ResultPath": "$.put",
        },
    }
    outcome = workflows.run(states, {"text": "hello"})
    assert outcome.status == "SUCCEEDED", outcome
    assert outcome.output["sent"]["MessageId"]
    assert outcome.output["put"]["FailedEntryCount"] == 0
    sns.delete_topic(TopicArn=topic)
