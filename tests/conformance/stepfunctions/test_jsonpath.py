"""Input and output processing, the context object and the intrinsic functions of JSONPath states."""

import hashlib
import re
import uuid
from typing import Any

import pytest

from tests.conformance.stepfunctions.conftest import Workflows

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html"
)


def test_the_order_of_input_and_output_processing(workflows: Workflows) -> None:
    inner = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    state = {
        "Type": "Parallel",
        "InputPath": "$.in",
        "Parameters": {"seen.$": "$.x", "fixed": True},
        "Branches": [inner],
        "ResultSelector": {"first.$": "$[0]"},
        "ResultPath": "$.result",
        "OutputPath": "$.result.first",
    }
    assert workflows.value(state, {"in": {"x": 1}, "rest": 2}) == {"seen": 1, "fixed": True}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", {"a": {"b": [10, 20, {"c": 30}]}, "parent": 1}),
        ("$.a.b", [10, 20, {"c": 30}]),
        ("$.a.b[0]", 10),
        ("$.a.b[2].c", 30),
        ("$.a.b[0:2]", [10, 20]),
        ("$.a.b[*]", [10, 20, {"c": 30}]),
        ("$..c", [30]),
        ("$['a']['b'][1]", 20),
        ("$.parent", 1),
    ],
)
def test_paths(workflows: Workflows, path: str, expected: Any) -> None:
    data = {"a": {"b": [10, 20, {"c": 30}]}, "parent": 1}
    assert workflows.value({"Type": "Pass", "Parameters": {"v.$": path}}, data) == {"v": expected}


def test_a_filter_expression(workflows: Workflows) -> None:
    data = {"l": [{"n": 1, "s": "x"}, {"n": 2, "s": "y"}, {"n": 3, "s": "y"}]}
    state = {"Type": "Pass", "Parameters": {"v.$": "$.l[?(@.n > 1)].n"}}
    assert workflows.value(state, data) == {"v": [2, 3]}


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html")
def test_the_context_object(workflows: Workflows) -> None:
    machine = workflows.make(
        {"StartAt": "P", "States": {"P": {"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": True}}}
    )
    execution = workflows.start(machine, {"k": "v"}, name="mine")
    context = workflows.outcome(execution).output["c"]
    stamp = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
    assert stamp.match(context["Execution"].pop("StartTime"))
    assert stamp.match(context["State"].pop("EnteredTime"))
    assert context == {
        "Execution": {
            "Id": execution,
            "Input": {"k": "v"},
            "Name": "mine",
            "RoleArn": workflows.role,
            "RedriveCount": 0,
        },
        "State": {"Name": "P"},
        "StateMachine": {"Id": machine, "Name": machine.rpartition(":")[2]},
    }


INTRINSICS: list[tuple[str, Any]] = [
    ("States.Array(1, 'two', $.three)", [1, "two", {"n": 3}]),
    ("States.ArrayPartition($.list, 4)", [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
    ("States.ArrayContains($.list, 5)", True),
    ("States.ArrayContains($.list, 50)", False),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayGetItem($.list, 5)", 6),
    ("States.ArrayLength($.list)", 9),
    ("States.ArrayUnique($.repeated)", [1, 2, 3]),
    ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Decode('RGVjb2RlZCBkYXRh')", "Decoded data"),
    ("States.Hash('input data', 'SHA-1')", hashlib.sha1(b"input data").hexdigest()),
    ("States.Hash('input data', 'MD5')", hashlib.md5(b"input data").hexdigest()),
    ("States.Hash('input data', 'SHA-256')", hashlib.sha256(b"input data").hexdigest()),
    ("States.Hash('input data', 'SHA-384')", hashlib.sha384(b"input data").hexdigest()),
    ("States.Hash('input data', 'SHA-512')", hashlib.sha512(b"input data").hexdigest()),
    ("States.JsonMerge($.a, $.b, false)", {"x": {"q": 2}, "y": 1, "z": 3}),
    ("States.StringToJson($.text)", {"foo": "bar"}),
    ("States.JsonToString($.three)", '{"n":3}'),
    ("States.MathAdd(111, -1)", 110),
    ("States.StringSplit('1,2,3', ',')", ["1", "2", "3"]),
    ("States.StringSplit('a.b+c', '.+')", ["a", "b", "c"]),
    ("States.Format('Hello, {} and {}', $.name, 2)", "Hello, Arnav and 2"),
    ("States.Format('{}', States.ArrayLength(States.Array(1, 2)))", "2"),
]


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html")
def test_intrinsic_functions(workflows: Workflows) -> None:
    data = {
        "list": [1, 2, 3, 4, 5, 6, 7, 8, 9],
        "repeated": [1, 2, 3, 3, 3, 1],
        "three": {"n": 3},
        "a": {"x": {"p": 1}, "y": 1},
        "b": {"x": {"q": 2}, "z": 3},
        "text": '{"foo": "bar"}',
        "name": "Arnav",
    }
    parameters = {f"v{index}.$": call for index, (call, _) in enumerate(INTRINSICS)}
    got = workflows.value({"Type": "Pass", "Parameters": parameters}, data)
    wrong = [
        (call, got[f"v{index}"])
        for index, (call, expected) in enumerate(INTRINSICS)
        if got[f"v{index}"] != expected
    ]
    assert wrong == []


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html")
def test_random_and_unique_intrinsics(workflows: Workflows) -> None:
    parameters = {
        "u.$": "States.UUID()",
        "r.$": "States.MathRandom(1, 999)",
        "s.$": "States.MathRandom(1, 999, 7)",
        "t.$": "States.MathRandom(1, 999, 7)",
    }
    got = workflows.value({"Type": "Pass", "Parameters": parameters})
    assert uuid.UUID(got["u"]).version == 4
    assert 1 <= got["r"] < 999
    assert got["s"] == got["t"]


@pytest.mark.source("https://states-language.net/spec.html#appendix-b")
def test_a_failing_intrinsic(workflows: Workflows) -> None:
    outcome = workflows.run({"P": {"Type": "Pass", "Parameters": {"v.$": "States.StringToJson('{')"}}})
    assert (outcome.status, outcome.error) == ("FAILED", "States.IntrinsicFailure")
