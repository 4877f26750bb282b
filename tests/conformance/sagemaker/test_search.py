"""Search over what resources say of themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_SearchExpression.html")


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws.client("sagemaker")


@pytest.fixture
def team(client: Any, unique: Callable[[str], str]) -> str:
    """A tag's value that three components have, with eta 0.1, 0.2, 0.3, the last two of a trial."""
    name = unique("team")
    client.create_experiment(ExperimentName=f"{name}-e")
    client.create_trial(TrialName=f"{name}-t", ExperimentName=f"{name}-e")
    for index in (1, 2, 3):
        client.create_trial_component(
            TrialComponentName=f"{name}-{index}",
            DisplayName=f"run {index}".replace(" ", "-"),
            Parameters={"eta": {"NumberValue": index / 10}, "booster": {"StringValue": "gbtree"}},
            InputArtifacts={"train": {"Value": f"s3://bucket/{index}", "MediaType": "text/csv"}},
            Tags=[{"Key": "team", "Value": name}],
        )
        if index > 1:
            client.associate_trial_component(TrialName=f"{name}-t", TrialComponentName=f"{name}-{index}")
    return name


@pytest.fixture
def found(client: Any, team: str) -> Callable[..., str]:
    """`found(*filters, Operator="Or")` -> "23": which of the team's components satisfy the filters."""

    def search(*filters: dict[str, str], **expression: Any) -> str:
        inner = {"Filters": list(filters), **expression} if filters else expression
        mine = {"Name": "Tags.team", "Operator": "Equals", "Value": team}
        results = client.search(
            Resource="ExperimentTrialComponent",
            SearchExpression={"Filters": [mine], "SubExpressions": [inner]},
            SortBy="TrialComponentName",
            SortOrder="Ascending",
        )["Results"]
        return "".join(each["TrialComponent"]["TrialComponentName"][-1] for each in results)

    return search


def where(name: str, operator: str | None = None, value: str | None = None) -> dict[str, str]:
    asked = {"Name": name, "Operator": operator, "Value": value}
    return {key: each for key, each in asked.items() if each is not None}


def test_operators(found: Callable[..., str], team: str) -> None:
    eta = "Parameters.eta.NumberValue"
    assert found(where(eta, "Equals", "0.2")) == "2"
    assert found(where(eta, value="0.2")) == "2"
    assert found(where(eta, "NotEquals", "0.2")) == "13"
    assert found(where(eta, "GreaterThan", "0.1")) == "23"
    assert found(where(eta, "GreaterThanOrEqualTo", "0.2")) == "23"
    assert found(where(eta, "LessThan", "0.2")) == "1"
    assert found(where(eta, "LessThanOrEqualTo", "0.2")) == "12"
    assert found(where("DisplayName", "Contains", "run-")) == "123"
    assert found(where("DisplayName", "In", "run-1, run-3")) == "13"
    assert found(where(eta, "Exists")) == "123"
    assert found(where("Parameters.depth.NumberValue", "NotExists")) == "123"
    assert found(where("Parents.TrialName", "Equals", f"{team}-t")) == "23"
    assert found(where("InputArtifacts.train.Value", "Equals", "s3://bucket/3")) == "3"


def test_expressions_nest(found: Callable[..., str]) -> None:
    one, two = where("DisplayName", "Equals", "run-1"), where("DisplayName", "Equals", "run-2")
    assert found(one, two) == ""
    assert found(one, two, Operator="Or") == "12"
    inner = {"Filters": [one, two], "Operator": "Or"}
    assert found(SubExpressions=[inner, {"Filters": [where("Parents.TrialName", "Exists")]}]) == "2"


@pytest.mark.source(f"{REFERENCE}/API_NestedFilters.html")
def test_one_object_must_satisfy_all_nested_filters(found: Callable[..., str], team: str) -> None:
    def nested(trial: str, experiment: str) -> list[dict[str, Any]]:
        filters = [
            where("Parents.TrialName", "Equals", trial),
            where("Parents.ExperimentName", "Equals", experiment),
        ]
        return [{"NestedPropertyName": "Parents", "Filters": filters}]

    assert found(NestedFilters=nested(f"{team}-t", f"{team}-e")) == "23"
    assert found(NestedFilters=nested(f"{team}-t", "another")) == ""


def test_times_are_compared_as_times(found: Callable[..., str]) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert found(where("CreationTime", "LessThan", tomorrow)) == "123"
    assert found(where("CreationTime", "GreaterThan", tomorrow)) == ""


def test_bad_expressions_are_refused(client: Any) -> None:
    for filters, words in (
        ([where("NoSuchProperty", "Equals", "1")], "Unknown property name"),
        ([where("CreationTime", "LessThan", "yesterday")], "timestamp"),
        ([where("Parameters.eta.NumberValue", "LessThan", "much")], "not a number"),
        ([where("DisplayName", "GreaterThan", "a")], "not supported"),
        ([where("CreationTime", "Contains", "2")], "only supported for text"),
        (
            [where("Source.SourceArn", "Contains", "a"), where("Source.SourceArn", "Contains", "b")],
            "limit of 1",
        ),
    ):
        with pytest.raises(ClientError, match=words) as error:
            client.search(Resource="ExperimentTrialComponent", SearchExpression={"Filters": filters})
        assert error.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="at least one subexpression, filter, or nested filter"):
        client.search(Resource="Experiment", SearchExpression={"Operator": "Or"})


@pytest.mark.source(f"{REFERENCE}/API_Search.html")
def test_results_are_sorted_and_paged(client: Any, team: str) -> None:
    asked = {
        "Resource": "ExperimentTrialComponent",
        "SearchExpression": {"Filters": [where("Tags.team", "Equals", team)]},
        "SortBy": "Parameters.eta.NumberValue",
    }
    pages = client.get_paginator("search").paginate(**asked, PaginationConfig={"PageSize": 2})
    names = [each["TrialComponent"]["TrialComponentName"] for page in pages for each in page["Results"]]
    assert names == [f"{team}-3", f"{team}-2", f"{team}-1"]
    first = client.search(**asked, MaxResults=2)
    assert first["TotalHits"] == {"Value": 3, "Relation": "EqualTo"}
    with pytest.raises(ClientError, match="another search"):
        client.search(**(asked | {"SortOrder": "Ascending"}), NextToken=first["NextToken"])


@pytest.mark.source(f"{REFERENCE}/API_SearchRecord.html")
def test_records_show_more_than_their_resource(client: Any, team: str) -> None:
    (trial,) = client.search(
        Resource="ExperimentTrial",
        SearchExpression={"Filters": [where("TrialName", "Equals", f"{team}-t")]},
    )["Results"]
    names = [each["TrialComponentName"] for each in trial["Trial"]["TrialComponentSummaries"]]
    assert names == [f"{team}-2", f"{team}-3"]
    (component,) = client.search(
        Resource="ExperimentTrialComponent",
        SearchExpression={"Filters": [where("TrialComponentName", "Equals", f"{team}-2")]},
    )["Results"]
    assert component["TrialComponent"]["Parents"] == [
        {"TrialName": f"{team}-t", "ExperimentName": f"{team}-e"}
    ]
    assert component["TrialComponent"]["Tags"] == [{"Key": "team", "Value": team}]


@pytest.mark.source(f"{REFERENCE}/API_GetSearchSuggestions.html")
def test_names_of_properties_are_suggested(client: Any, team: str) -> None:
    def suggested(hint: str) -> list[str]:
        answer = client.get_search_suggestions(
            Resource="ExperimentTrialComponent",
            SuggestionQuery={"PropertyNameQuery": {"PropertyNameHint": hint}},
        )
        return [each["PropertyName"] for each in answer["PropertyNameSuggestions"]]

    assert suggested("DisplayN") == ["DisplayName"]
    assert "Parameters.eta" in suggested("Parameters.")
    assert "Tags.team" in suggested("Tags.")


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("by", ["CreationTime", "DisplayName", "Parameters.eta.NumberValue", "EndTime"])
def test_pages_make_up_the_whole(client: Any, team: str, size: int, order: str, by: str) -> None:
    asked = {
        "Resource": "ExperimentTrialComponent",
        "SearchExpression": {"Filters": [where("Tags.team", "Equals", team)]},
        "SortBy": by,
        "SortOrder": order,
    }

    def names(pages: Any) -> list[str]:
        return [each["TrialComponent"]["TrialComponentName"] for page in pages for each in page["Results"]]

    whole = names([client.search(**asked, MaxResults=100)])
    pages = client.get_paginator("search").paginate(**asked, PaginationConfig={"PageSize": size})
    assert names(pages) == whole
    assert sorted(whole) == [f"{team}-1", f"{team}-2", f"{team}-3"]


@pytest.mark.source(f"{REFERENCE}/API_SearchRecord.html")
def test_the_registry_and_models_are_searched(
    client: Any, sagemaker_role: str, unique: Callable[[str], str]
) -> None:
    group, name = unique("Group"), unique("model")
    client.create_model_package_group(ModelPackageGroupName=group, Tags=[{"Key": "of", "Value": group}])
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    version = client.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification={"Containers": [{"Image": image}]}
    )["ModelPackageArn"]
    client.create_model(ModelName=name, ExecutionRoleArn=sagemaker_role, PrimaryContainer={"Image": image})

    def found(resource: str, *filters: dict[str, str]) -> Any:
        expression = {"Filters": list(filters)}
        (record,) = client.search(Resource=resource, SearchExpression=expression)["Results"]
        return record

    record = found("ModelPackageGroup", where("Tags.of", "Equals", group))
    assert record["ModelPackageGroup"]["ModelPackageGroupName"] == group
    record = found(
        "ModelPackage",
        where("ModelPackageGroupName", "Equals", group),
        where("ModelApprovalStatus", "In", "Approved,PendingManualApproval"),
        where("ModelPackageVersion", "GreaterThanOrEqualTo", "1"),
    )
    assert record["ModelPackage"]["ModelPackageArn"] == version
    record = found(
        "Model", where("ModelName", "Equals", name), where("PrimaryContainer.Image", "Contains", "xgb")
    )
    assert record["Model"]["Model"]["ModelName"] == name
    with pytest.raises(ClientError, match="does not support"):
        client.search(Resource="Pipeline")
    client.delete_model(ModelName=name)
