"""The model registry: packages, versions, groups."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_CreateModelPackage.html")


@pytest.fixture
def client(aws: Aws) -> Any:
    return aws.client("sagemaker")


@pytest.fixture(scope="module")
def model_data(aws: Aws) -> Iterator[str]:
    """An archive in S3; whether it is a model is seen when it is served."""
    s3 = aws.client("s3")
    bucket = f"packages-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=b"")
    yield f"s3://{bucket}/model.tar.gz"
    s3.delete_object(Bucket=bucket, Key="model.tar.gz")
    s3.delete_bucket(Bucket=bucket)


@pytest.fixture
def group(client: Any, unique: Callable[[str], str]) -> str:
    name = unique("Group")
    client.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="delays")
    return name


def specification(model_data: str, image: str = XGBOOST) -> dict[str, Any]:
    return {
        "Containers": [{"Image": image, "ModelDataUrl": model_data, "Environment": {"A": "1"}}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }


@pytest.fixture
def register(client: Any, group: str, model_data: str) -> Callable[..., str]:
    """Create a version and wait until it is made; its ARN."""

    def create(**members: Any) -> str:
        asked = {"ModelPackageGroupName": group, "InferenceSpecification": specification(model_data)}
        arn = client.create_model_package(**(asked | members))["ModelPackageArn"]

        def over() -> bool:
            status = client.describe_model_package(ModelPackageName=arn)["ModelPackageStatus"]
            return status in ("Completed", "Failed")

        eventually(over)
        return str(arn)

    return create


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_versions_of_a_group_are_numbered(client: Any, group: str, register: Callable[..., str]) -> None:
    first, second = register(), register(ModelApprovalStatus="Approved")
    assert first.endswith(f":model-package/{group.lower()}/1")
    assert second.endswith("/2")
    found = client.describe_model_package(ModelPackageName=second)
    assert (found["ModelPackageGroupName"], found["ModelPackageVersion"]) == (group, 2)
    assert found["ModelPackageStatus"] == "Completed"
    assert found["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    assert found["CertifyForMarketplace"] is False
    assert "ModelPackageName" not in found
    assert (
        client.describe_model_package(ModelPackageName=first)["ModelApprovalStatus"]
        == "PendingManualApproval"
    )
    client.delete_model_package(ModelPackageName=second)
    assert register().endswith("/3")


@pytest.mark.source("https://github.com/getmoto/moto/pull/7165")
def test_names_are_refused_in_words_of_aws(client: Any, group: str, model_data: str) -> None:
    asked = {"InferenceSpecification": specification(model_data)}
    for members, words in (
        ({"ModelPackageGroupName": group, "ModelPackageName": "one"}, "Both ModelPackageName and Model"),
        ({}, "Missing ARN."),
        ({"ModelPackageGroupName": "no-such-group"}, "does not exist"),
        ({"ModelPackageGroupName": group, "Tags": [{"Key": "a", "Value": "b"}]}, "Tags are not supported"),
        ({"ModelPackageName": "one", "ModelApprovalStatus": "Approved"}, "unversioned"),
        ({"ModelPackageName": "one"}, "is required for unversioned"),
    ):
        with pytest.raises(ClientError, match=words) as error:
            client.create_model_package(**(asked | members))
        assert code(error) == "ValidationException"
    listed = client.list_model_packages(ModelPackageType="Both", NameContains=group)
    assert listed["ModelPackageSummaryList"] == []


def test_model_data_must_be_there(client: Any, group: str, model_data: str) -> None:
    missing = model_data.replace("model.tar.gz", "other.tar.gz")
    with pytest.raises(ClientError, match="Could not find model data at"):
        client.create_model_package(
            ModelPackageGroupName=group, InferenceSpecification=specification(missing)
        )


def test_a_package_of_an_unknown_image_fails(client: Any, model_data: str, register: Any) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/nobody-knows:1"
    arn = register(InferenceSpecification=specification(model_data, image))
    found = client.describe_model_package(ModelPackageName=arn)
    assert found["ModelPackageStatus"] == "Failed"
    (scan,) = found["ModelPackageStatusDetails"]["ImageScanStatuses"]
    assert (scan["Name"], scan["Status"]) == (image, "Failed")
    assert "nobody-knows" in scan["FailureReason"]


@pytest.mark.source(f"{REFERENCE}/API_UpdateModelPackage.html")
def test_a_version_is_updated(client: Any, register: Callable[..., str], model_data: str) -> None:
    arn = register(CustomerMetadataProperties={"auc": "0.7", "rows": "9"})
    client.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="better than the champion",
        CustomerMetadataProperties={"auc": "0.8"},
        CustomerMetadataPropertiesToRemove=["rows"],
        ModelLifeCycle={"Stage": "Production", "StageStatus": "Ready"},
        AdditionalInferenceSpecificationsToAdd=[{"Name": "small", **specification(model_data)}],
    )
    found = client.describe_model_package(ModelPackageName=arn)
    assert found["ModelApprovalStatus"] == "Approved"
    assert found["ApprovalDescription"] == "better than the champion"
    assert found["CustomerMetadataProperties"] == {"auc": "0.8"}
    assert found["ModelLifeCycle"] == {"Stage": "Production", "StageStatus": "Ready"}
    assert [each["Name"] for each in found["AdditionalInferenceSpecifications"]] == ["small"]
    with pytest.raises(ClientError, match="unique"):
        client.update_model_package(
            ModelPackageArn=arn,
            AdditionalInferenceSpecificationsToAdd=[{"Name": "small", **specification(model_data)}],
        )


@pytest.mark.source(f"{REFERENCE}/API_DescribeModelPackage.html")
def test_what_was_said_of_a_version_is_kept(
    client: Any, register: Callable[..., str], model_data: str
) -> None:
    source = {"ContentType": "application/json", "S3Uri": "s3://reports/quality.json"}
    said = {
        "ModelPackageDescription": "delays by trees",
        "MetadataProperties": {"CommitId": "abc", "Repository": "delays"},
        "ModelMetrics": {"ModelQuality": {"Statistics": source}, "Bias": {"Report": source}},
        "DriftCheckBaselines": {"ModelDataQuality": {"Constraints": source}},
        "Domain": "MACHINE_LEARNING",
        "Task": "CLASSIFICATION",
        "SamplePayloadUrl": "s3://samples/one.tar.gz",
        "SkipModelValidation": "All",
        "ModelLifeCycle": {"Stage": "Development", "StageStatus": "Pending"},
        "ModelCard": {
            "ModelCardStatus": "Draft",
            "ModelCardContent": json.dumps({"intended_uses": {"risk_rating": "Low", "purpose": "x"}}),
        },
    }
    arn = register(**said)
    found = client.describe_model_package(ModelPackageName=arn)
    assert {member: found[member] for member in said} == said
    short = client.describe_model_package(ModelPackageName=arn, IncludedData="MetadataOnly")
    assert json.loads(short["ModelCard"]["ModelCardContent"]) == {"intended_uses": {"risk_rating": "Low"}}
    other = specification(model_data) | {"SupportedContentTypes": ["application/json"]}
    client.update_model_package(ModelPackageArn=arn, InferenceSpecification=other)
    found = client.describe_model_package(ModelPackageName=arn)
    assert found["InferenceSpecification"]["SupportedContentTypes"] == ["application/json"]
    assert found["LastModifiedTime"] > found["CreationTime"]


@pytest.mark.source(f"{REFERENCE}/API_ListModelPackages.html")
def test_packages_are_listed(
    client: Any, group: str, register: Callable[..., str], model_data: str, unique: Callable[[str], str]
) -> None:
    arns = [register(), register(ModelApprovalStatus="Approved"), register()]
    name = unique("alone")
    types = ["ml.m5.large"]
    alone = specification(model_data) | {
        "SupportedTransformInstanceTypes": types,
        "SupportedRealtimeInferenceInstanceTypes": types,
    }
    client.create_model_package(ModelPackageName=name, InferenceSpecification=alone)

    def listed(**filters: Any) -> list[str]:
        pages = client.get_paginator("list_model_packages").paginate(
            **filters, PaginationConfig={"PageSize": 2}
        )
        return [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]

    assert listed(ModelPackageGroupName=group) == arns
    assert listed(ModelPackageGroupName=group, SortOrder="Descending") == arns[::-1]
    assert listed(ModelPackageGroupName=group, ModelApprovalStatus="Approved") == [arns[1]]
    assert not set(arns) & set(listed())
    assert any(arn.endswith(f"/{name}") for arn in listed())
    assert set(arns) <= set(listed(ModelPackageType="Both"))
    found = client.batch_describe_model_package(ModelPackageArnList=[arns[0], f"{arns[0]}9"])
    assert list(found["ModelPackageSummaries"]) == [arns[0]]
    assert found["BatchDescribeModelPackageErrorMap"][f"{arns[0]}9"]["ErrorCode"] == "ValidationException"


@pytest.mark.source(f"{REFERENCE}/API_DeleteModelPackageGroup.html")
def test_a_group_is_deleted_when_it_is_empty(client: Any, group: str, register: Callable[..., str]) -> None:
    arn = register()
    with pytest.raises(ClientError, match="still contains") as error:
        client.delete_model_package_group(ModelPackageGroupName=group)
    assert code(error) == "ConflictException"
    client.delete_model_package(ModelPackageName=arn)
    client.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist") as error:
        client.describe_model_package_group(ModelPackageGroupName=group)
    assert code(error) == "ValidationException"


@pytest.mark.source(f"{REFERENCE}/API_DescribeModelPackageGroup.html")
def test_groups_are_described_and_listed(client: Any, group: str) -> None:
    found = client.describe_model_package_group(ModelPackageGroupName=group)
    assert found["ModelPackageGroupArn"].endswith(f":model-package-group/{group.lower()}")
    assert found["ModelPackageGroupDescription"] == "delays"
    assert found["ModelPackageGroupStatus"] == "Completed"
    by_arn = client.describe_model_package_group(ModelPackageGroupName=found["ModelPackageGroupArn"])
    assert by_arn["ModelPackageGroupName"] == group
    listed = client.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupName"] for each in listed] == [group]
    with pytest.raises(ClientError, match="already exists") as error:
        client.create_model_package_group(ModelPackageGroupName=group)
    assert code(error) == "ValidationException"


@pytest.mark.source(f"{REFERENCE}/API_PutModelPackageGroupPolicy.html")
def test_a_group_keeps_a_policy(client: Any, group: str) -> None:
    with pytest.raises(ClientError, match="Cannot find resource policy"):
        client.get_model_package_group_policy(ModelPackageGroupName=group)
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    client.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=policy)
    assert client.get_model_package_group_policy(ModelPackageGroupName=group)["ResourcePolicy"] == policy
    client.delete_model_package_group_policy(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="Cannot find resource policy"):
        client.get_model_package_group_policy(ModelPackageGroupName=group)


def test_a_token_makes_one_package(client: Any, group: str, model_data: str) -> None:
    asked = {
        "ModelPackageGroupName": group,
        "InferenceSpecification": specification(model_data),
        "ClientToken": str(uuid.uuid4()),
    }
    first = client.create_model_package(**asked)
    assert client.create_model_package(**asked)["ModelPackageArn"] == first["ModelPackageArn"]
    with pytest.raises(ClientError) as error:
        client.create_model_package(**asked, ModelPackageDescription="another")
    assert code(error) == "ConflictException"


@pytest.mark.source(
    "https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html"
)
def test_an_approval_is_an_event(
    client: Any, aws: Aws, register: Callable[..., str], unique: Callable[[str], str]
) -> None:
    events, sqs = aws.client("events"), aws.client("sqs")
    name = unique("approvals")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    arn = register()
    events.put_rule(
        Name=name,
        EventPattern=json.dumps(
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "resources": [arn],
                "detail": {"ModelApprovalStatus": ["Approved"]},
            }
        ),
    )
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    def message() -> Any:
        found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        return json.loads(found[0]["Body"]) if found else None

    detail = eventually(message)["detail"]
    assert (detail["ModelPackageArn"], detail["ModelPackageVersion"]) == (arn, 1)
    assert detail["ModelPackageStatus"] == "Completed"
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


@pytest.mark.source("https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html")
def test_a_version_has_a_lineage(client: Any, register: Callable[..., str], model_data: str) -> None:
    arn = register()
    (artifact,) = client.list_artifacts(SourceUri=arn)["ArtifactSummaries"]
    found = client.query_lineage(StartArns=[artifact["ArtifactArn"]], Direction="Ascendants")["Vertices"]
    sources = [client.describe_artifact(ArtifactArn=each["Arn"])["Source"]["SourceUri"] for each in found]
    assert {model_data, XGBOOST} == set(sources)


@pytest.mark.source(f"{REFERENCE}/API_CreateModelPackage.html")
def test_packages_are_cloned_and_models_registered(
    client: Any,
    register: Callable[..., str],
    group: str,
    model_data: str,
    sagemaker_role: str,
    unique: Callable[[str], str],
) -> None:
    """SourceUri: the ARN of a package to clone, or of a model to register."""
    first = register(ModelApprovalStatus="Approved")
    clone = client.create_model_package(ModelPackageGroupName=group, SourceUri=first)["ModelPackageArn"]
    container = client.describe_model_package(ModelPackageName=clone)["InferenceSpecification"]["Containers"][
        0
    ]
    assert (container["Image"], container["ModelDataUrl"]) == (XGBOOST, model_data)
    name = unique("model")
    model = client.create_model(
        ModelName=name, ExecutionRoleArn=sagemaker_role, PrimaryContainer={"ModelPackageName": first}
    )["ModelArn"]
    with pytest.raises(ClientError, match="approved") as error:
        client.create_model(
            ModelName=unique("model"),
            ExecutionRoleArn=sagemaker_role,
            PrimaryContainer={"ModelPackageName": register()},
        )
    assert code(error) == "ValidationException"
    plain = unique("model")
    client.create_model(
        ModelName=plain,
        ExecutionRoleArn=sagemaker_role,
        PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": model_data},
    )
    arn = model.replace(name, plain)
    made = client.create_model_package(ModelPackageGroupName=group, SourceUri=arn)["ModelPackageArn"]
    (container,) = client.describe_model_package(ModelPackageName=made)["InferenceSpecification"][
        "Containers"
    ]
    assert (container["Image"], container["ModelDataUrl"]) == (XGBOOST, model_data)
    for each in (name, plain):
        client.delete_model(ModelName=each)


@pytest.mark.source(f"{REFERENCE}/API_ModelPackageValidationSpecification.html")
def test_validation_really_transforms(
    client: Any, register: Callable[..., str], model_data: str, sagemaker_role: str
) -> None:
    """The archive is empty: no model can be served from it, and the profile's transform job fails."""
    bucket = model_data.rpartition("/")[0]
    definition = {
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{bucket}/model"}},
            "ContentType": "text/csv",
        },
        "TransformOutput": {"S3OutputPath": f"{bucket}/output"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    profile = {"ProfileName": "rows", "TransformJobDefinition": definition}
    arn = register(
        ValidationSpecification={"ValidationRole": sagemaker_role, "ValidationProfiles": [profile]}
    )
    found = client.describe_model_package(ModelPackageName=arn)
    assert found["ModelPackageStatus"] == "Failed"
    (status,) = found["ModelPackageStatusDetails"]["ValidationStatuses"]
    assert (status["Name"], status["Status"]) == ("rows", "Failed")
    assert status["FailureReason"]
