"""Retry, Catch, time limits and the payload limit."""

import json
from typing import Any

import pytest

from tests.conformance.conftest import Functions
from tests.conformance.stepfunctions.conftest import Workflows, program

pytestmark = pytest.mark.source("https://states-language.net/spec.html#errors")

FAILING = """
class Mine(Exception): pass
def handler(event, context):
    raise Mine('no ' + str(event.get('n', '')))
"""
COUNTING = """
import json
CALLS = 0
class Early(Exception): pass
def handler(event, context):
    global CALLS
    CALLS += 1
    if CALLS < event["succeed_at"]:
        raise Early(str(CALLS))
    return CALLS
"""


def test_retry_until_it_works(workflows: Workflows, functions: Functions) -> None:
    name = functions.make(COUNTING)
    retry = [{"ErrorEquals": ["Early"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1.0}]
    state = {"Type": "Task", "Resource": functions.arn(name), "Retry": retry}
    outcome = workflows.run({"T": state}, {"succeed_at": 3})
    assert (outcome.status, outcome.output) == ("SUCCEEDED", 3)
    events = outcome.history()
    failed = [event["timestamp"] for event in events if event["type"] == "LambdaFunctionFailed"]
    scheduled = [event["timestamp"] for event in events if event["type"] == "LambdaFunctionScheduled"]
    assert len(failed) == 2
    assert all(
        0.9 <= (after - before).total_seconds() < 3
        for before, after in zip(failed, scheduled[1:], strict=True)
    )


def test_a_catcher_may_lead_back_to_its_own_state(workflows: Workflows, functions: Functions) -> None:
    """The failed state runs again; it is not taken for done."""
    catch = [{"ErrorEquals": ["Early"], "ResultPath": "$.error", "Next": "T"}]
    state = {"Type": "Task", "Resource": functions.arn(functions.make(COUNTING)), "Catch": catch, "End": True}
    outcome = workflows.run({"T": state}, {"succeed_at": 3})
    assert (outcome.status, outcome.output) == ("SUCCEEDED", 3)
    assert outcome.event_types().count("TaskStateEntered") == 3


def test_max_delay_bounds_the_back_off(workflows: Workflows, functions: Functions) -> None:
    name = functions.make(COUNTING)
    retry = [
        {
            "ErrorEquals": ["States.ALL"],
            "IntervalSeconds": 1,
            "BackoffRate": 60,
            "MaxDelaySeconds": 2,
            "MaxAttempts": 2,
            "JitterStrategy": "NONE",
        }
    ]
    outcome = workflows.run(
        {"T": {"Type": "Task", "Resource": functions.arn(name), "Retry": retry}}, {"succeed_at": 3}
    )
    assert outcome.output == 3
    events = outcome.history()
    failed = [event["timestamp"] for event in events if event["type"] == "LambdaFunctionFailed"]
    scheduled = [event["timestamp"] for event in events if event["type"] == "LambdaFunctionScheduled"]
    assert 1.9 <= (scheduled[2] - failed[1]).total_seconds() < 5


def test_full_jitter_never_waits_longer_than_the_interval(workflows: Workflows, functions: Functions) -> None:
    name = functions.make(COUNTING)
    retry = [
        {
            "ErrorEquals": ["States.TaskFailed"],
            "IntervalSeconds": 1,
            "MaxAttempts": 1,
            "JitterStrategy": "FULL",
        }
    ]
    outcome = workflows.run(
        {"T": {"Type": "Task", "Resource": functions.arn(name), "Retry": retry}}, {"succeed_at": 2}
    )
    events = outcome.history()
    failed = next(event["timestamp"] for event in events if event["type"] == "LambdaFunctionFailed")
    scheduled = [event["timestamp"] for event in events if event["type"] == "LambdaFunctionScheduled"]
    assert (scheduled[1] - failed).total_seconds() < 2
    assert outcome.output == 2


def test_zero_attempts_do_not_retry(workflows: Workflows, functions: Functions) -> None:
    name = functions.make(FAILING)
    retry = [{"ErrorEquals": ["Mine"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}]
    outcome = workflows.run({"T": {"Type": "Task", "Resource": functions.arn(name), "Retry": retry}})
    assert (outcome.status, outcome.error) == ("FAILED", "Mine")
    assert outcome.event_types().count("LambdaFunctionFailed") == 1


def test_catch_takes_the_first_catcher_that_matches(workflows: Workflows, functions: Functions) -> None:
    name = functions.make(FAILING)
    states = {
        "T": {
            "Type": "Task",
            "Resource": functions.arn(name),
            "Catch": [
                {"ErrorEquals": ["Other"], "Next": "Wrong"},
                {"ErrorEquals": ["Mine"], "ResultPath": "$.error", "Next": "Right"},
                {"ErrorEquals": ["States.ALL"], "Next": "Wrong"},
            ],
            "Next": "Wrong",
        },
        "Right": {"Type": "Succeed"},
        "Wrong": {"Type": "Fail"},
    }
    outcome = workflows.run(states, {"n": 5})
    assert outcome.status == "SUCCEEDED"
    assert outcome.output["n"] == 5
    assert outcome.output["error"]["Error"] == "Mine"
    cause = json.loads(outcome.output["error"]["Cause"])
    assert (cause["errorType"], cause["errorMessage"]) == ("Mine", "no 5")


def test_task_failed_stands_for_every_error_of_a_task_but_its_timeout(
    workflows: Workflows, functions: Functions
) -> None:
    name = functions.make(
        "import time\ndef handler(event, context):\n    time.sleep(event['s'])\n    raise ValueError('x')\n"
    )
    catch = [
        {"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.caught", "Next": "Failed"},
        {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.caught", "Next": "Late"},
    ]
    states: dict[str, Any] = {
        "T": {
            "Type": "Task",
            "Resource": functions.arn(name),
            "TimeoutSeconds": 1,
            "Catch": catch,
            "Next": "Failed",
        },
        "Failed": {"Type": "Pass", "Result": "failed", "End": True},
        "Late": {"Type": "Pass", "Result": "late", "End": True},
    }
    assert workflows.run(states, {"s": 0}).output == "failed"
    late = workflows.run(states, {"s": 4})
    assert late.output == "late"
    assert "LambdaFunctionTimedOut" in late.event_types()


def test_a_time_limit_from_a_path(workflows: Workflows, functions: Functions) -> None:
    name = functions.make("import time\ndef handler(event, context):\n    time.sleep(5)\n")
    state = {"Type": "Task", "Resource": functions.arn(name), "TimeoutSecondsPath": "$.limit"}
    assert workflows.run({"T": state}, {"limit": 1}).error == "States.Timeout"


def test_a_state_machine_that_takes_too_long(workflows: Workflows) -> None:
    outcome = workflows.run({"W": {"Type": "Wait", "Seconds": 60}}, TimeoutSeconds=1)
    assert outcome.status == "TIMED_OUT"
    assert outcome.event_types()[-1] == "ExecutionTimedOut"


def test_retry_and_catch_of_parallel_and_map(workflows: Workflows) -> None:
    broken = program({"F": {"Type": "Fail", "Error": "Inner"}})
    for state in (
        {"Type": "Parallel", "Branches": [broken]},
        {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": broken},
    ):
        state |= {
            "Retry": [{"ErrorEquals": ["Inner"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "End"}],
            "Next": "End",
        }
        outcome = workflows.run({"S": state, "End": {"Type": "Succeed"}}, {"items": [1]})
        assert outcome.status == "SUCCEEDED", outcome
        assert outcome.output["e"]["Error"] == "Inner"
        assert outcome.event_types().count("FailStateEntered") == 2


def test_a_missing_path_is_a_runtime_error(workflows: Workflows) -> None:
    outcome = workflows.run({"P": {"Type": "Pass", "Parameters": {"x.$": "$.nowhere"}}}, {"a": 1})
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert outcome.cause == (
        "An error occurred while executing the state 'P' (entered at the event id #2). "
        "The JSONPath '$.nowhere' specified for the field 'x.$' could not be found in the input '{\"a\":1}'"
    )


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html")
def test_runtime_errors_are_not_caught_by_all(workflows: Workflows, functions: Functions) -> None:
    task = {
        "Type": "Task",
        "Resource": functions.arn(functions.make(FAILING)),
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S"}],
        "Next": "S",
    }
    for wrong in ({"InputPath": "$.nowhere"}, {"Parameters": {"x.$": "$.nowhere"}}):
        outcome = workflows.run({"T": {**task, **wrong}, "S": {"Type": "Succeed"}})
        assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html")
def test_a_result_beyond_256_kib(workflows: Workflows, functions: Functions) -> None:
    name = functions.make("def handler(event, context):\n    return 'x' * event['n']\n")
    state = {"Type": "Task", "Resource": functions.arn(name)}
    assert workflows.run({"T": state}, {"n": 262_100}).status == "SUCCEEDED"
    outcome = workflows.run({"T": state}, {"n": 262_144})
    assert (outcome.status, outcome.error) == ("FAILED", "States.DataLimitExceeded")
    assert outcome.cause == (
        f"The state/task '{functions.arn(name)}' returned a result with a size exceeding "
        "the maximum number of bytes service limit."
    )


def test_a_result_too_large_is_caught(workflows: Workflows, functions: Functions) -> None:
    name = functions.make("def handler(event, context):\n    return 'x' * 262_144\n")
    for error in ("States.DataLimitExceeded", "States.ALL"):
        catch = [{"ErrorEquals": [error], "Next": "Caught"}]
        states = {
            "T": {"Type": "Task", "Resource": functions.arn(name), "Catch": catch, "Next": "Caught"},
            "Caught": {"Type": "Succeed"},
        }
        assert workflows.run(states).output["Error"] == "States.DataLimitExceeded"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("$.a.nowhere", "No results for path: $['a']['nowhere']"),
        ("$.no.such.path", "Missing property in path $['no']"),
    ],
)
def test_an_input_path_that_leads_nowhere(workflows: Workflows, path: str, words: str) -> None:
    outcome = workflows.run({"P": {"Type": "Pass", "InputPath": path}}, {"a": {"b": 1}})
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert outcome.cause == (
        "An error occurred while executing the state 'P' (entered at the event id #2). "
        f"Invalid path '{path}' : {words}"
    )


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html")
def test_the_limit_counts_bytes_of_utf_8(workflows: Workflows) -> None:
    double = {"Type": "Pass", "Parameters": {"a.$": "$.t", "b.$": "$.t"}}
    assert workflows.run({"P": double}, {"t": "é" * 60_000}).status == "SUCCEEDED"
    assert workflows.run({"P": double}, {"t": "é" * 70_000}).error == "States.DataLimitExceeded"
