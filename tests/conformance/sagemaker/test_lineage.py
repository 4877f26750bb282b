"""Lineage: entities, associations, and walking the graph they make."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.sagemaker.conftest import error_of

REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"

pytestmark = pytest.mark.source(f"{GUIDE}/lineage-tracking-entities.html")


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws.client("sagemaker")


@pytest.fixture
def artifact(client: Any) -> Callable[..., str]:
    """`artifact("DataSet", rows="3")` makes one with that property; its ARN."""

    def make(kind: str, **properties: str) -> str:
        made = client.create_artifact(
            ArtifactName=kind.lower(),
            ArtifactType=kind,
            Source={"SourceUri": f"s3://bucket/{uuid.uuid4().hex}"},
            Properties=properties,
        )
        return str(made["ArtifactArn"])

    return make


@pytest.mark.source(f"{REFERENCE}/API_CreateArtifact.html")
def test_an_artifact_is_known_by_its_source(client: Any) -> None:
    source = {
        "SourceUri": f"s3://bucket/{uuid.uuid4().hex}",
        "SourceTypes": [{"SourceIdType": "S3ETag", "Value": "abc"}],
    }
    arn = client.create_artifact(ArtifactType="DataSet", Source=source, Properties={"a": "1"})["ArtifactArn"]
    assert ":artifact/" in arn
    found = client.describe_artifact(ArtifactArn=arn)
    assert (found["Source"], found["ArtifactType"]) == (source, "DataSet")
    assert found["LineageGroupArn"].endswith(":lineage-group/sagemaker-default-lineage-group")
    client.update_artifact(
        ArtifactArn=arn, ArtifactName="rows", Properties={"b": "2"}, PropertiesToRemove=["a"]
    )
    found = client.describe_artifact(ArtifactArn=arn)
    assert (found["ArtifactName"], found["Properties"]) == ("rows", {"b": "2"})
    listed = client.list_artifacts(SourceUri=source["SourceUri"], ArtifactType="DataSet")
    assert [each["ArtifactArn"] for each in listed["ArtifactSummaries"]] == [arn]
    assert client.delete_artifact(Source=source)["ArtifactArn"] == arn
    with pytest.raises(ClientError) as raised:
        client.describe_artifact(ArtifactArn=arn)
    assert error_of(raised)[0] == "ResourceNotFound"


@pytest.mark.source(f"{REFERENCE}/API_CreateAction.html")
def test_actions(client: Any, unique: Callable[[str], str]) -> None:
    name = unique("action")
    client.create_action(
        ActionName=name, ActionType="Approval", Source={"SourceUri": "s3://bucket"}, Status="InProgress"
    )
    client.update_action(ActionName=name, Status="Completed", Description="by hand")
    found = client.describe_action(ActionName=name)
    assert (found["Status"], found["Description"], found["ActionType"]) == (
        "Completed",
        "by hand",
        "Approval",
    )
    listed = client.list_actions(ActionType="Approval", SortBy="Name", MaxResults=100)["ActionSummaries"]
    assert name in [each["ActionName"] for each in listed]
    client.delete_action(ActionName=name)
    with pytest.raises(ClientError) as raised:
        client.describe_action(ActionName=name)
    assert error_of(raised)[0] == "ResourceNotFound"


@pytest.mark.source(f"{REFERENCE}/API_CreateContext.html")
def test_contexts(client: Any, unique: Callable[[str], str]) -> None:
    name = unique("context")
    client.create_context(ContextName=name, ContextType="Endpoint", Source={"SourceUri": "arn:x"})
    with pytest.raises(ClientError, match="already exists"):
        client.create_context(ContextName=name, ContextType="Endpoint", Source={"SourceUri": "arn:x"})
    client.update_context(ContextName=name, Properties={"owner": "me"})
    found = client.describe_context(ContextName=name)
    assert (found["ContextType"], found["Properties"]) == ("Endpoint", {"owner": "me"})
    listed = client.list_contexts(SourceUri="arn:x", ContextType="Endpoint", MaxResults=100)
    assert name in [each["ContextName"] for each in listed["ContextSummaries"]]
    client.delete_context(ContextName=name)
    with pytest.raises(ClientError) as raised:
        client.update_context(ContextName=name)
    assert error_of(raised)[0] == "ResourceNotFound"


@pytest.mark.source(f"{REFERENCE}/API_AddAssociation.html")
def test_associations(client: Any, artifact: Callable[..., str]) -> None:
    data, model = artifact("DataSet"), artifact("Model")
    client.add_association(SourceArn=data, DestinationArn=model, AssociationType="ContributedTo")
    (found,) = client.list_associations(SourceArn=data)["AssociationSummaries"]
    assert (found["DestinationArn"], found["AssociationType"]) == (model, "ContributedTo")
    assert (found["SourceType"], found["DestinationType"]) == ("DataSet", "Model")
    assert (
        client.list_associations(DestinationArn=model, AssociationType="Produced")["AssociationSummaries"]
        == []
    )
    with pytest.raises(ClientError, match="cannot be deleted"):
        client.delete_artifact(ArtifactArn=data)
    client.delete_association(SourceArn=data, DestinationArn=model)
    with pytest.raises(ClientError) as raised:
        client.delete_association(SourceArn=data, DestinationArn=model)
    assert error_of(raised)[0] == "ResourceNotFound"
    with pytest.raises(ClientError) as raised:
        client.add_association(SourceArn=data, DestinationArn=f"{model[:-3]}000")
    assert error_of(raised)[0] == "ResourceNotFound"


@pytest.mark.source("https://github.com/aws/sagemaker-experiments/issues/157")
def test_entities_of_experiments_are_not_associated_with_each_other(
    client: Any, unique: Callable[[str], str]
) -> None:
    arns = [
        client.create_trial_component(TrialComponentName=unique("component"))["TrialComponentArn"]
        for _ in range(2)
    ]
    with pytest.raises(ClientError, match="between two experiment entities"):
        client.add_association(SourceArn=arns[0], DestinationArn=arns[1])


@pytest.mark.source(f"{GUIDE}/querying-lineage-entities.html")
def test_the_graph_is_walked(client: Any, artifact: Callable[..., str], unique: Callable[[str], str]) -> None:
    """raw -> clean -> job -> model; clean -> report."""
    raw, clean, model, report = (
        artifact("DataSet", rows="9"),
        artifact("DataSet", rows="8"),
        artifact("Model"),
        artifact("Report"),
    )
    job = client.create_trial_component(TrialComponentName=unique("job"))["TrialComponentArn"]
    for source, destination in ((raw, clean), (clean, job), (job, model), (clean, report)):
        client.add_association(SourceArn=source, DestinationArn=destination, AssociationType="ContributedTo")

    def query(start: str, direction: str, **options: Any) -> set[str]:
        found = client.query_lineage(StartArns=[start], Direction=direction, **options)
        return {each["Arn"] for each in found["Vertices"]}

    assert query(model, "Ascendants") == {job, clean, raw}
    assert query(raw, "Descendants") == {clean, job, model, report}
    assert query(clean, "Both") == {raw, job, model, report}
    assert query(raw, "Descendants", MaxDepth=1) == {clean}
    assert query(model, "Ascendants", Filters={"Types": ["DataSet"]}) == {clean, raw}
    assert query(model, "Ascendants", Filters={"LineageTypes": ["TrialComponent"]}) == {job}
    assert query(model, "Ascendants", Filters={"Properties": {"rows": "9"}}) == {raw}
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert query(model, "Ascendants", Filters={"CreatedAfter": tomorrow}) == set()
    edges = client.query_lineage(StartArns=[model], Direction="Ascendants", IncludeEdges=True)["Edges"]
    assert {(each["SourceArn"], each["DestinationArn"]) for each in edges} == {
        (raw, clean),
        (clean, job),
        (job, model),
    }
    pages, token = [], {}
    while True:
        page = client.query_lineage(StartArns=[raw], Direction="Descendants", MaxResults=1, **token)
        pages += [each["Arn"] for each in page["Vertices"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert (len(pages), set(pages)) == (4, {clean, job, model, report})
    with pytest.raises(ClientError) as raised:
        client.query_lineage(StartArns=[f"{raw[:-3]}000"])
    assert error_of(raised)[0] == "ResourceNotFound"


@pytest.mark.source(f"{REFERENCE}/API_DescribeLineageGroup.html")
def test_there_is_one_lineage_group(client: Any) -> None:
    (group,) = client.list_lineage_groups()["LineageGroupSummaries"]
    found = client.describe_lineage_group(LineageGroupName=group["LineageGroupName"])
    assert found["LineageGroupArn"] == group["LineageGroupArn"]
    with pytest.raises(ClientError) as raised:
        client.describe_lineage_group(LineageGroupName="another")
    assert error_of(raised)[0] == "ResourceNotFound"
