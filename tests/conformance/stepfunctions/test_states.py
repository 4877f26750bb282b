"""Pass, Choice, Wait, Succeed, Fail and Parallel, as the Amazon States Language says."""

import datetime
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.stepfunctions.conftest import Workflows, program

pytestmark = pytest.mark.source("https://states-language.net/spec.html#state-types")


def test_pass_hands_its_input_on(workflows: Workflows) -> None:
    assert workflows.value({"Type": "Pass"}, {"a": [1, {"b": None}]}) == {"a": [1, {"b": None}]}


def test_pass_puts_its_result_where_result_path_says(workflows: Workflows) -> None:
    state = {"Type": "Pass", "Result": {"x": 1}, "ResultPath": "$.deep.down"}
    assert workflows.value(state, {"kept": True}) == {"kept": True, "deep": {"down": {"x": 1}}}


def test_result_path_null_discards_the_result(workflows: Workflows) -> None:
    assert workflows.value({"Type": "Pass", "Result": 1, "ResultPath": None}, {"a": 2}) == {"a": 2}


def test_succeed_ends_with_its_input(workflows: Workflows) -> None:
    assert workflows.value({"Type": "Succeed"}, {"a": 1}) == {"a": 1}


def test_fail_ends_with_its_error_and_cause(workflows: Workflows) -> None:
    outcome = workflows.run({"F": {"Type": "Fail", "Error": "Bad.Thing", "Cause": "because"}})
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "Bad.Thing", "because")
    assert outcome.event_types() == ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]


def test_fail_takes_error_and_cause_from_paths(workflows: Workflows) -> None:
    state = {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('at {}', $.n)"}
    outcome = workflows.run({"F": state}, {"e": "E1", "n": 7})
    assert (outcome.error, outcome.cause) == ("E1", "at 7")


EARLY, LATE = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
MATCHES: list[tuple[dict[str, Any], Any, bool]] = [
    ({"StringEquals": "a"}, "a", True),
    ({"StringEquals": "a"}, "b", False),
    ({"StringEqualsPath": "$.other"}, "o", True),
    ({"StringLessThan": "b"}, "a", True),
    ({"StringLessThanPath": "$.other"}, "z", False),
    ({"StringGreaterThan": "a"}, "b", True),
    ({"StringGreaterThanPath": "$.other"}, "z", True),
    ({"StringLessThanEquals": "a"}, "a", True),
    ({"StringLessThanEqualsPath": "$.other"}, "o", True),
    ({"StringGreaterThanEquals": "b"}, "a", False),
    ({"StringGreaterThanEqualsPath": "$.other"}, "o", True),
    ({"StringMatches": "log-*.txt"}, "log-7.txt", True),
    ({"StringMatches": "log-*.txt"}, "log-7.csv", False),
    ({"StringMatches": "a\\*"}, "a*", True),
    ({"StringMatches": "a\\*"}, "ab", False),
    ({"NumericEquals": 1}, 1.0, True),
    ({"NumericEqualsPath": "$.number"}, 5, True),
    ({"NumericLessThan": 2}, 1, True),
    ({"NumericLessThanPath": "$.number"}, 6, False),
    ({"NumericGreaterThan": 2}, 1, False),
    ({"NumericGreaterThanPath": "$.number"}, 6, True),
    ({"NumericLessThanEquals": 2}, 2, True),
    ({"NumericLessThanEqualsPath": "$.number"}, 5, True),
    ({"NumericGreaterThanEquals": 3}, 2, False),
    ({"NumericGreaterThanEqualsPath": "$.number"}, 5, True),
    ({"BooleanEquals": True}, True, True),
    ({"BooleanEquals": True}, False, False),
    ({"BooleanEqualsPath": "$.truth"}, True, True),
    ({"TimestampEquals": EARLY}, EARLY, True),
    ({"TimestampEqualsPath": "$.moment"}, EARLY, True),
    ({"TimestampLessThan": LATE}, EARLY, True),
    ({"TimestampLessThanPath": "$.moment"}, LATE, False),
    ({"TimestampGreaterThan": EARLY}, LATE, True),
    ({"TimestampGreaterThanPath": "$.moment"}, LATE, True),
    ({"TimestampLessThanEquals": EARLY}, EARLY, True),
    ({"TimestampLessThanEqualsPath": "$.moment"}, EARLY, True),
    ({"TimestampGreaterThanEquals": LATE}, EARLY, False),
    ({"TimestampGreaterThanEqualsPath": "$.moment"}, LATE, True),
    ({"IsNull": True}, None, True),
    ({"IsNull": False}, None, False),
    ({"IsString": True}, "x", True),
    ({"IsString": True}, 1, False),
    ({"IsNumeric": True}, 1.5, True),
    ({"IsNumeric": True}, "1", False),
    ({"IsBoolean": True}, False, True),
    ({"IsBoolean": True}, 0, False),
    ({"IsTimestamp": True}, EARLY, True),
    ({"IsTimestamp": True}, "yesterday", False),
    ({"IsPresent": True}, "x", True),
    ({"IsPresent": False}, "x", False),
    # A value of another type does not match, and is no error.
    ({"StringEquals": "1"}, 1, False),
    ({"NumericEquals": 1}, "1", False),
    ({"BooleanEquals": True}, "true", False),
]


def test_every_comparison_of_choice(workflows: Workflows) -> None:
    """One state machine per operator would be slow: all run as branches of one Parallel state."""
    branches = []
    for comparison, _, _ in MATCHES:
        rule = {"Variable": "$.value", **comparison, "Next": "Yes"}
        branches.append(
            {
                "StartAt": "C",
                "States": {
                    "C": {"Type": "Choice", "Choices": [rule], "Default": "No"},
                    "Yes": {"Type": "Pass", "Result": True, "End": True},
                    "No": {"Type": "Pass", "Result": False, "End": True},
                },
            }
        )
    constant = {"other": "o", "number": 5, "truth": True, "moment": EARLY}
    for start in range(0, len(MATCHES), 20):
        some = MATCHES[start : start + 20]
        for index, (_, value, _) in enumerate(some):
            first = branches[start + index]
            first["States"] = {
                "Set": {
                    "Type": "Pass",
                    "Result": {**constant, "value": value},
                    "Next": "C",
                },
                **first["States"],
            }
            first["StartAt"] = "Set"
        outcome = workflows.run({"All": {"Type": "Parallel", "Branches": branches[start : start + 20]}})
        assert outcome.status == "SUCCEEDED", outcome
        wrong = [
            (comparison, value)
            for (comparison, value, expected), got in zip(some, outcome.output, strict=True)
            if got is not expected
        ]
        assert wrong == []


@pytest.mark.parametrize(
    ("rule", "data", "expected"),
    [
        (
            {"And": [{"Variable": "$.a", "NumericEquals": 1}, {"Variable": "$.b", "NumericEquals": 2}]},
            {"a": 1, "b": 2},
            "Yes",
        ),
        (
            {"And": [{"Variable": "$.a", "NumericEquals": 1}, {"Variable": "$.b", "NumericEquals": 2}]},
            {"a": 1, "b": 3},
            "No",
        ),
        (
            {"Or": [{"Variable": "$.a", "NumericEquals": 1}, {"Variable": "$.b", "NumericEquals": 2}]},
            {"a": 0, "b": 2},
            "Yes",
        ),
        ({"Not": {"Variable": "$.a", "NumericEquals": 1}}, {"a": 1}, "No"),
        ({"Not": {"And": [{"Variable": "$.a", "IsPresent": True}]}}, {}, "Yes"),
        ({"Variable": "$.missing", "IsPresent": False}, {}, "Yes"),
    ],
)
def test_boolean_rules_of_choice(workflows: Workflows, rule: Any, data: Any, expected: str) -> None:
    states = {
        "C": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
        "Yes": {"Type": "Pass", "Result": "Yes", "End": True},
        "No": {"Type": "Pass", "Result": "No", "End": True},
    }
    assert workflows.run(states, data).output == expected


@pytest.mark.source("https://states-language.net/spec.html#choice-state")
def test_no_choice_matched_without_default(workflows: Workflows) -> None:
    states = {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "P"}]},
        "P": {"Type": "Pass"},
    }
    outcome = workflows.run(states, {"a": 2})
    assert (outcome.status, outcome.error) == ("FAILED", "States.NoChoiceMatched")


def test_wait_lasts_as_long_as_it_says(workflows: Workflows) -> None:
    outcome = workflows.run({"W": {"Type": "Wait", "SecondsPath": "$.s"}}, {"s": 1})
    moments = {event["type"]: event["timestamp"] for event in outcome.history()}
    assert outcome.output == {"s": 1}
    assert 0.9 <= (moments["WaitStateExited"] - moments["WaitStateEntered"]).total_seconds() < 3


def test_wait_until_a_timestamp(workflows: Workflows) -> None:
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
    offset = until.astimezone(datetime.timezone(datetime.timedelta(hours=5)))
    for moment in (f"{until:%Y-%m-%dT%H:%M:%SZ}", offset.isoformat(timespec="seconds")):
        outcome = workflows.run({"W": {"Type": "Wait", "TimestampPath": "$.t"}}, {"t": moment})
        assert outcome.status == "SUCCEEDED", outcome
        ended = outcome.history()[-1]["timestamp"]
        assert ended >= until.replace(microsecond=0) - datetime.timedelta(milliseconds=50)


def test_wait_for_a_past_timestamp_does_not_wait(workflows: Workflows) -> None:
    assert workflows.run({"W": {"Type": "Wait", "Timestamp": EARLY}}).status == "SUCCEEDED"


def test_a_wait_that_is_too_long(workflows: Workflows) -> None:
    outcome = workflows.run({"W": {"Type": "Wait", "TimestampPath": "$.t"}}, {"t": "2199-01-01T00:00:00Z"})
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert outcome.cause is not None
    assert outcome.cause.endswith("Wait state delay is too long.")


def test_parallel_collects_in_the_order_of_its_branches(workflows: Workflows) -> None:
    branches = [
        program({"W": {"Type": "Wait", "Seconds": 1}, "A": {"Type": "Pass", "Result": "slow"}}),
        program({"B": {"Type": "Pass", "Result": "quick"}}),
        program({"C": {"Type": "Pass", "Parameters": {"v.$": "$.x"}}}),
    ]
    state = {"Type": "Parallel", "Branches": branches, "ResultPath": "$.r"}
    assert workflows.value(state, {"x": 3}) == {"x": 3, "r": ["slow", "quick", {"v": 3}]}


def test_a_failed_branch_fails_and_stops_the_others(workflows: Workflows) -> None:
    branches = [
        program({"W": {"Type": "Wait", "Seconds": 30}, "A": {"Type": "Pass"}}),
        program({"F": {"Type": "Fail", "Error": "Mine", "Cause": "here"}}),
    ]
    outcome = workflows.run({"P": {"Type": "Parallel", "Branches": branches}})
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "Mine", "here")
    assert "ParallelStateFailed" in outcome.event_types()


def test_branches_do_not_share_their_input(workflows: Workflows) -> None:
    change = {"Type": "Pass", "Result": 1, "ResultPath": "$.mark"}
    branches = [program({"A": change}), program({"B": {"Type": "Pass"}})]
    assert workflows.value({"Type": "Parallel", "Branches": branches}, {}) == [{"mark": 1}, {}]


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html"
)
@pytest.mark.parametrize(
    "definition",
    [
        "{",
        json.dumps({"StartAt": "A"}),
        json.dumps({"StartAt": "A", "States": {"A": {"Type": "Nonsense", "End": True}}}),
        json.dumps(
            {
                "StartAt": "A",
                "States": {
                    "A": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::glue:startJobRun.sync",
                        "Parameters": {},
                    }
                },
            }
        ),
    ],
)
def test_a_wrong_definition_is_refused(workflows: Workflows, definition: str) -> None:
    with pytest.raises(ClientError) as refused:
        workflows.client.create_state_machine(name="wrong", definition=definition, roleArn=workflows.role)
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html"
)
def test_history_of_a_pass_state(workflows: Workflows) -> None:
    events = workflows.run({"P": {"Type": "Pass", "Result": {"o": "é"}}}, {"i": 1}).history()
    assert [(event["id"], event["previousEventId"], event["type"]) for event in events] == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "PassStateEntered"),
        (3, 2, "PassStateExited"),
        (4, 3, "ExecutionSucceeded"),
    ]
    assert events[1]["stateEnteredEventDetails"] == {
        "name": "P",
        "input": '{"i":1}',
        "inputDetails": {"truncated": False},
    }
    assert events[2]["stateExitedEventDetails"] == {
        "name": "P",
        "output": '{"o":"é"}',
        "outputDetails": {"truncated": False},
    }
    assert events[0]["executionStartedEventDetails"]["roleArn"] == workflows.role
