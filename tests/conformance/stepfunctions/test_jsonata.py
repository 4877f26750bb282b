"""JSONata states: AWS's functions, $states, variables, null and undefined, and the errors in AWS's words."""

import hashlib
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.stepfunctions.conftest import Workflows, program

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html")


def output(workflows: Workflows, value: Any, data: Any = None) -> Any:
    return workflows.value({"Type": "Pass", "Output": value}, data, QueryLanguage="JSONata")


FUNCTIONS: list[tuple[str, Any]] = [
    ("$partition([1,2,3,4], 2)", [[1, 2], [3, 4]]),
    ("$partition([1,2,3], 2)", [[1, 2], [3]]),
    ("$partition([0], 5)", [[0]]),
    ("$range(0, 10, 3)", [0, 3, 6, 9]),
    ("$range(0, 9, 3)", [0, 3, 6, 9]),
    ("$range(1, 9, 9)", 1),
    ("$range(5, 1, -2)", [5, 3, 1]),
    ("$hash('content', 'SHA-256')", hashlib.sha256(b"content").hexdigest()),
    ("$hash('content', 'MD5')", hashlib.md5(b"content").hexdigest()),
    ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
    ("$random(7) = $random(7)", True),
    ("$random() >= 0 and $random() < 1", True),
    ("$length($uuid())", 36),
    ("$sum($states.input.xs)", 6.5),
    ("$map($states.input.xs, function($v) { $v * 2 })", [2, 4, 7]),
    ("$states.input.xs[$ > 1]", [2, 3.5]),
    ("$states.input.name & ' \"q\" ' & $states.input.n", 'bob "q" null'),
    ("$states.input.order.{'id': $string(no)}", {"id": "17"}),
    ("$merge([{'a': 1}, {'b': 2}])", {"a": 1, "b": 2}),
    ("$states.input.n = null", True),
    ("$exists($states.input.absent)", False),
    ("{'a': $states.input.absent, 'b': 1}", {"b": 1}),
    ("[1, $states.input.absent, 2]", [1, 2]),
    ("4 / 2", 2),
    ("1 / 4", 0.25),
    ("$states.input.big", 9007199254740993),
    ("$number('12.50')", 12.5),
    ("$toMillis('2020-01-01T00:00:00Z')", 1577836800000),
    ("$split('a,b', ',')", ["a", "b"]),
    ("$states.context.State.Name", "Only"),
]


def test_functions(workflows: Workflows) -> None:
    """AWS's additions, and a choice of JSONata's own."""
    data = {"xs": [1, 2, 3.5], "name": "bob", "n": None, "order": {"no": 17}, "big": 9007199254740993}
    template = {f"v{index}": f"{{% {expression} %}}" for index, (expression, _) in enumerate(FUNCTIONS)}
    got = output(workflows, template, data)
    wrong = [
        (expression, got[f"v{index}"])
        for index, (expression, expected) in enumerate(FUNCTIONS)
        if got[f"v{index}"] != expected or type(got[f"v{index}"]) is not type(expected)
    ]
    assert wrong == []


def test_uuid_is_of_version_4(workflows: Workflows) -> None:
    assert uuid.UUID(output(workflows, "{% $uuid() %}")).version == 4


def test_texts_that_are_no_expressions_stay(workflows: Workflows) -> None:
    texts = {"a": " {% 1 %}", "b": "$states.input", "c": ["$", None, 1.5], "d.$": "$.x"}
    assert output(workflows, texts) == texts


ERRORS = [
    ("$states.input.absent", "returned nothing (undefined)."),
    ("$nowhere", "returned nothing (undefined)."),
    ("$sum", "returned an unsupported result type."),
    ("$unheard(1)", "threw an error during evaluation. T1006: Attempted to invoke a non-function"),
    ("$eval('1')", "threw an error during evaluation. T1006: Attempted to invoke a non-function"),
    (
        "1 + 'a'",
        "threw an error during evaluation. T2002: The right side of the + operator must evaluate to a number",
    ),
    ("$error('mine')", "threw an error during evaluation. D3137: mine"),
]


@pytest.mark.parametrize(("expression", "what"), ERRORS)
def test_query_evaluation_errors(workflows: Workflows, expression: str, what: str) -> None:
    state = {"Type": "Pass", "Output": {"deep": [0, f"{{% {expression} %}}"]}}
    outcome = workflows.run({"S": state}, QueryLanguage="JSONata")
    cause = (
        "An error occurred while executing the state 'S' (entered at the event id #2). "
        f"The JSONata expression '{expression}' specified for the field 'Output/deep[1]' {what}"
    )
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "States.QueryEvaluationError", cause)
    failed = next(event for event in outcome.history() if event["type"] == "EvaluationFailed")
    assert failed["evaluationFailedEventDetails"] == {
        "error": "States.QueryEvaluationError",
        "cause": cause,
        "location": "Output/deep[1]",
        "state": "S",
    }
    assert outcome.event_types() == [
        "ExecutionStarted",
        "PassStateEntered",
        "EvaluationFailed",
        "ExecutionFailed",
    ]


@pytest.mark.parametrize(
    ("state", "location", "expected", "actual", "shown"),
    [
        ({"Type": "Wait", "Seconds": "{% 'x' %}"}, "Seconds", "number", "string", '"x"'),
        (
            {
                "Type": "Map",
                "Items": "{% {'foo':'bar'} %}",
                "ItemProcessor": program({"P": {"Type": "Pass"}}),
            },
            "Items",
            "array",
            "object",
            '{"foo":"bar"}',
        ),
        ({"Type": "Fail", "Error": "{% 1 %}"}, "Error", "string", "number", "1"),
        (
            {"Type": "Choice", "Choices": [{"Condition": "{% null %}", "Next": "End"}], "Default": "End"},
            "Choices[0]/Condition",
            "boolean",
            "null",
            "null",
        ),
    ],
)
def test_results_of_the_wrong_type(
    workflows: Workflows, state: Any, location: str, expected: str, actual: str, shown: str
) -> None:
    outcome = workflows.run({"S": state, "End": {"Type": "Succeed"}}, QueryLanguage="JSONata")
    assert outcome.error == "States.QueryEvaluationError"
    assert outcome.cause is not None
    assert f"specified for the field '{location}' returned an unexpected result type" in outcome.cause
    assert outcome.cause.endswith(f"Expected '{expected}', but was '{actual}' for value: {shown}")
    assert outcome.event_types().count("EvaluationFailed") == 1


def test_query_evaluation_errors_of_a_task_are_caught(workflows: Workflows) -> None:
    states = {
        "T": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sts:getCallerIdentity",
            "Arguments": {},
            "Output": "{% $states.result.Nothing %}",
            "Catch": [
                {
                    "ErrorEquals": ["States.QueryEvaluationError"],
                    "Output": "{% $states.errorOutput.Error %}",
                    "Next": "End",
                }
            ],
            "Next": "End",
        },
        "End": {"Type": "Pass"},
    }
    outcome = workflows.run(states, QueryLanguage="JSONata")
    assert outcome.output == "States.QueryEvaluationError", outcome


def test_a_runaway_expression_ends_and_holds_nobody_up(workflows: Workflows) -> None:
    endless = "($f := function($x) { $f($x) }; $f(1))"
    outcome = workflows.run({"S": {"Type": "Pass", "Output": f"{{% {endless} %}}"}}, QueryLanguage="JSONata")
    assert (outcome.status, outcome.error) == ("FAILED", "States.QueryEvaluationError")
    deep = "($f := function($x) { 1 + $f($x) }; $f(1))"
    outcome = workflows.run({"S": {"Type": "Pass", "Output": f"{{% {deep} %}}"}}, QueryLanguage="JSONata")
    assert (outcome.status, outcome.error) == ("FAILED", "States.QueryEvaluationError")


@pytest.mark.parametrize("expression", ["(", "1 +", "$states.input.a ?? 1", "$x ?: 2"])
def test_what_is_no_jsonata_2_0_6_is_refused(workflows: Workflows, expression: str) -> None:
    definition = program({"S": {"Type": "Pass", "Output": f"{{% {expression} %}}"}}, QueryLanguage="JSONata")
    with pytest.raises(ClientError) as refused:
        workflows.make(definition)
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html")
def test_variables_live_on(workflows: Workflows) -> None:
    states = {
        "Set": {
            "Type": "Pass",
            "Assign": {
                "total": "{% $sum($states.input.xs) %}",
                "tag": 'with "quotes" and \\ $',
                "none": None,
            },
            "Output": {"gone": True},
        },
        # Every expression of Assign sees the values before it.
        "Swap": {"Type": "Pass", "Assign": {"total": "{% $tag %}", "tag": "{% $total %}"}},
        "Use": {
            "Type": "Pass",
            "Output": {"total": "{% $total %}", "tag": "{% $tag %}", "none": "{% $none %}"},
        },
    }
    outcome = workflows.run(states, {"xs": [1, 2]}, QueryLanguage="JSONata")
    assert outcome.output == {"total": 'with "quotes" and \\ $', "tag": 3, "none": None}
    exited = next(event for event in outcome.history() if event["type"] == "PassStateExited")
    assert exited["stateExitedEventDetails"]["assignedVariables"] == {
        "total": "3",
        "tag": '"with \\"quotes\\" and \\\\ $"',
        "none": "null",
    }


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html")
def test_inner_scopes_see_outer_variables_and_keep_theirs(workflows: Workflows) -> None:
    inner = program(
        {
            "I": {"Type": "Pass", "Assign": {"mine": "{% $outer + $states.input %}"}},
            "O": {"Type": "Pass", "Output": "{% $mine %}"},
        }
    )
    states = {
        "Set": {"Type": "Pass", "Assign": {"outer": 10}},
        "M": {"Type": "Map", "Items": [1, 2, 3], "ItemProcessor": inner},
    }
    assert workflows.run(states, QueryLanguage="JSONata").output == [11, 12, 13]
    lost = {**states, "Use": {"Type": "Pass", "Output": "{% $mine %}"}}
    assert workflows.run(lost, QueryLanguage="JSONata").error == "States.QueryEvaluationError"


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html")
def test_variables_in_jsonpath_states(workflows: Workflows) -> None:
    states = {
        "Set": {"Type": "Pass", "Assign": {"order.$": "$.order", "n": 3}},
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$n", "NumericGreaterThan": 2, "Next": "Use"}],
            "Default": "No",
        },
        "Use": {
            "Type": "Pass",
            "Parameters": {"id.$": "$order.id", "all.$": "States.Format('{}-{}', $n, $order.id)"},
            "End": True,
        },
        "No": {"Type": "Fail"},
    }
    assert workflows.run(states, {"order": {"id": "x"}}).output == {"id": "x", "all": "3-x"}


def test_languages_may_be_mixed(workflows: Workflows) -> None:
    states = {
        "A": {"Type": "Pass", "Parameters": {"v.$": "$.n"}},
        "B": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"w": "{% $states.input.v + 1 %}"}},
        "C": {"Type": "Pass", "Parameters": {"z.$": "$.w"}},
    }
    assert workflows.run(states, {"n": 1}).output == {"z": 2}


def test_choice_in_jsonata(workflows: Workflows) -> None:
    choices = [
        {
            "Condition": "{% $states.input.n > 5 %}",
            "Assign": {"size": "large"},
            "Output": {"big": "{% $states.input.n %}"},
            "Next": "End",
        },
        {"Condition": "{% $states.input.n > 2 %}", "Next": "End"},
    ]
    states = {
        "C": {"Type": "Choice", "Choices": choices, "Default": "Small"},
        "Small": {"Type": "Pass", "Output": "small", "End": True},
        "End": {"Type": "Pass", "Output": {"in": "{% $states.input %}"}, "End": True},
    }
    got = [workflows.run(states, {"n": n}, QueryLanguage="JSONata").output for n in (9, 3, 1)]
    assert got == [{"in": {"big": 9}}, {"in": {"n": 3}}, "small"]
