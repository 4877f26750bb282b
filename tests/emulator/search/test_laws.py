"""Search expressions against an evaluator written for this test, over random records."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.sagemaker.search.expressions import compile_expression
from mdlc_emulator.engine.sagemaker.search.properties import names, resolve

START = datetime(2024, 1, 1, tzinfo=UTC)
TEXTS = st.text(alphabet="ab,", min_size=1, max_size=3)
CLEAN = st.text(alphabet="ab", min_size=1, max_size=3)


@functools.cache
def shape(name: str) -> Shape:
    return botocore.session.Session().get_service_model("sagemaker").shape_for(name)


records = st.fixed_dictionaries(
    {},
    optional={
        "TrainingJobName": CLEAN,
        "BillableTimeInSeconds": st.integers(0, 3),
        "EnableNetworkIsolation": st.booleans(),
        "CreationTime": st.integers(0, 3).map(lambda days: START + timedelta(days=days)),
        "HyperParameters": st.dictionaries(
            st.sampled_from(["eta", "a.b"]), st.sampled_from(["0.5", "1", "1.9", "2", "fast"])
        ),
        "FinalMetricDataList": st.lists(
            st.fixed_dictionaries(
                {"MetricName": st.sampled_from(["auc", "loss"]), "Value": st.sampled_from([0.5, 1.0, 1.5])}
            ),
            max_size=2,
            unique_by=lambda metric: metric["MetricName"],
        ),
        "Tags": st.lists(
            st.fixed_dictionaries({"Key": st.just("team"), "Value": CLEAN}), min_size=1, max_size=1
        ),
        "InputDataConfig": st.lists(
            st.fixed_dictionaries({"ChannelName": CLEAN, "ContentType": CLEAN}), max_size=2
        ),
    },
)

NUMBERS = ["0", "1", "2", "0.5", "1.5"]
DAYS = [(START + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S") for days in range(4)]
ORDER = ["Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"]


def clause(name: str, operators: list[str], values: Any) -> st.SearchStrategy[dict[str, str]]:
    exists = st.fixed_dictionaries(
        {"Name": st.just(name), "Operator": st.sampled_from(["Exists", "NotExists"])}
    )
    compared = st.fixed_dictionaries(
        {"Name": st.just(name), "Operator": st.sampled_from(operators), "Value": values}
    )
    return exists | compared


filters = st.one_of(
    clause("TrainingJobName", ["Equals", "NotEquals", "In"], TEXTS),
    clause("trainingjobname", ["Equals"], CLEAN),
    clause("BillableTimeInSeconds", ORDER, st.sampled_from(NUMBERS)),
    clause("EnableNetworkIsolation", ["Equals", "NotEquals"], st.sampled_from(["true", "false"])),
    clause("CreationTime", ORDER, st.sampled_from(DAYS)),
    clause("HyperParameters.eta", ORDER, st.sampled_from(NUMBERS)),
    clause("HyperParameters.a.b", ["Equals", "NotEquals"], st.sampled_from(["fast", "0.5"])),
    clause("Metrics.auc", ORDER, st.sampled_from(NUMBERS)),
    clause("Tags.team", ["Equals", "NotEquals", "In"], TEXTS),
    clause("InputDataConfig.ChannelName", ["Equals", "NotEquals"], CLEAN),
)
nested = st.fixed_dictionaries(
    {
        "NestedPropertyName": st.just("InputDataConfig"),
        "Filters": st.lists(
            clause("InputDataConfig.ChannelName", ["Equals", "NotEquals"], CLEAN)
            | clause("InputDataConfig.ContentType", ["Equals", "In"], CLEAN),
            min_size=1,
            max_size=2,
        ),
    }
)


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"Filters": st.lists(filters, min_size=1, max_size=3)},
        optional={
            "NestedFilters": st.lists(nested, min_size=1, max_size=2),
            "SubExpressions": st.lists(inner, min_size=1, max_size=2),
            "Operator": st.sampled_from(["And", "Or"]),
        },
    )


expressions = st.recursive(
    st.fixed_dictionaries({"Filters": st.lists(filters, min_size=1, max_size=3)}), combined, max_leaves=4
)


def values_of(record: dict[str, Any], name: str) -> list[Any]:
    """What the record has for a property, looked up by hand."""
    if name == "Tags.team":
        return [tag["Value"] for tag in record.get("Tags", [])]
    if name == "Metrics.auc":
        return [
            each["Value"] for each in record.get("FinalMetricDataList", []) if each["MetricName"] == "auc"
        ]
    if name.startswith("HyperParameters."):
        hyperparameters = record.get("HyperParameters", {})
        key = name.removeprefix("HyperParameters.")
        return [hyperparameters[key]] if key in hyperparameters else []
    if name.startswith("InputDataConfig."):
        return [each[name.removeprefix("InputDataConfig.")] for each in record.get("InputDataConfig", [])]
    key = {"trainingjobname": "TrainingJobName"}.get(name, name)
    return [record[key]] if key in record else []


def compares(name: str, operator: str, have: Any, value: str) -> bool:
    if operator == "In":
        return have in [each.strip() for each in value.split(",")]
    left: Any = have
    right: Any = value
    if isinstance(have, bool):
        left, right = have, value == "true"
    elif isinstance(have, datetime):
        left, right = have.replace(tzinfo=None), datetime.fromisoformat(value)
    elif isinstance(have, int | float):
        left, right = float(have), float(value)
    elif name.startswith("HyperParameters."):
        numeric = value.replace(".", "").isdigit()
        if numeric and not have.replace(".", "").isdigit():
            return False
        if numeric:
            left, right = float(have), float(value)
            if "." not in value:
                left = float(int(left))
    match operator:
        case "Equals":
            return bool(left == right)
        case "GreaterThan":
            return bool(left > right)
        case "GreaterThanOrEqualTo":
            return bool(left >= right)
        case "LessThan":
            return bool(left < right)
        case _:
            return bool(left <= right)


def holds(record: dict[str, Any], asked: dict[str, str]) -> bool:
    name, operator = asked["Name"], asked["Operator"]
    have = values_of(record, name)
    if operator == "Exists":
        return len(have) > 0
    if operator == "NotExists":
        return len(have) == 0
    if operator == "NotEquals":
        return not any(compares(name, "Equals", each, asked["Value"]) for each in have)
    return any(compares(name, operator, each, asked["Value"]) for each in have)


def satisfies(record: dict[str, Any], expression: dict[str, Any]) -> bool:
    found = [holds(record, each) for each in expression.get("Filters", [])]
    for each in expression.get("NestedFilters", []):
        objects = record.get("InputDataConfig", [])
        found.append(
            any(all(holds({"InputDataConfig": [one]}, part) for part in each["Filters"]) for one in objects)
        )
    found += [satisfies(record, each) for each in expression.get("SubExpressions", [])]
    return any(found) if expression.get("Operator") == "Or" else all(found)


@given(st.lists(records, min_size=1, max_size=6), expressions)
def test_expressions_mean_what_they_say(found: list[dict[str, Any]], expression: dict[str, Any]) -> None:
    passes = compile_expression(shape("TrainingJob"), expression)
    assert [passes(record) for record in found] == [satisfies(record, expression) for record in found]


@given(records, filters)
def test_not_equals_is_the_contrary_of_equals(record: dict[str, Any], asked: dict[str, str]) -> None:
    if "Value" not in asked:
        return
    equal, other = (
        compile_expression(shape("TrainingJob"), {"Filters": [{**asked, "Operator": operator}]})
        for operator in ("Equals", "NotEquals")
    )
    assert equal(record) != other(record)


@given(st.lists(filters, min_size=50, max_size=60))
def test_more_than_fifty_parts_are_refused(asked: list[dict[str, str]]) -> None:
    expression = {
        "SubExpressions": [{"Filters": asked[:20]}, {"Filters": asked[20:40]}, {"Filters": asked[40:]}]
    }
    with pytest.raises(AwsError, match="at most 50"):
        compile_expression(shape("TrainingJob"), expression)


@pytest.mark.parametrize(
    "name", ["TrainingJob", "Experiment", "Trial", "TrialComponent", "Endpoint", "Model", "ModelPackage"]
)
def test_every_suggested_name_can_be_searched(name: str) -> None:
    for each in names(shape(name)):
        assert resolve(shape(name), each).kind in ("text", "number", "time", "boolean", "hyperparameter")


def test_metrics_and_parameters_of_a_component() -> None:
    record = {
        "Metrics": [{"MetricName": "val.loss", "Min": 0.1, "Max": 0.9, "Last": 0.2}],
        "Parameters": {"net.depth": {"NumberValue": 4.0}},
    }
    for name, value in (
        ("Metrics.val.loss.Min", 0.1),
        ("metrics.val.loss.max", 0.9),
        ("Metrics.val.loss", 0.2),
        ("Parameters.net.depth.NumberValue", 4.0),
    ):
        found = resolve(shape("TrialComponent"), name)
        assert (list(found.values(record)), found.kind) == ([value], "number")
