"""Models: what CreateModel takes, refuses, and shows."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import IMAGE, error_of
from tests.conformance.sagemaker.serving import Serving, serving
from tests.waiting import eventually

__all__ = ["serving"]

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html"
)


def refused(serving: Serving, **members: Any) -> tuple[str, str]:
    request = {"ModelName": serving.name("model"), "ExecutionRoleArn": serving.role} | members
    with pytest.raises(ClientError) as raised:
        serving.client.create_model(**request)
    with pytest.raises(ClientError):
        serving.client.describe_model(ModelName=request["ModelName"])
    return error_of(raised)


def test_a_model_is_described_as_it_was_asked_for(serving: Serving) -> None:
    container = serving.container()
    name = serving.name("model")
    made = serving.client.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=serving.role, EnableNetworkIsolation=True
    )
    found = serving.client.describe_model(ModelName=name)
    assert found["ModelArn"] == made["ModelArn"]
    assert found["ModelArn"].endswith(f":model/{name}")
    assert container.items() <= found["PrimaryContainer"].items()
    assert found["PrimaryContainer"]["Mode"] == "SingleModel"
    assert found["ExecutionRoleArn"] == serving.role
    assert found["EnableNetworkIsolation"] is True
    assert not {"Containers", "VpcConfig", "InferenceExecutionConfig"} & found.keys()


def test_a_name_is_taken_once(serving: Serving) -> None:
    name = serving.model()
    with pytest.raises(ClientError) as raised:
        serving.client.create_model(
            ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=serving.role
        )
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert message.startswith("Cannot create already existing model")


def test_a_deleted_model_is_not_found(serving: Serving) -> None:
    name = serving.model()
    serving.client.delete_model(ModelName=name)
    for call in (serving.client.describe_model, serving.client.delete_model):
        with pytest.raises(ClientError) as raised:
            call(ModelName=name)
        code, message = error_of(raised)
        assert code == "ValidationException"
        assert message.startswith("Could not find model")


def test_missing_model_data_are_an_error_at_once(serving: Serving) -> None:
    url = serving.bucket.uri("nothing/here.tar.gz")
    code, message = refused(serving, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    assert code == "ValidationException"
    assert message == f"Could not find model data at {url}."


@pytest.mark.parametrize("bucket_name", ["there-is-no-such-bucket-e1f22", "not_a_bucket"])
def test_a_bucket_that_is_not_there_has_no_model_data(serving: Serving, bucket_name: str) -> None:
    url = f"s3://{bucket_name}/model.tar.gz"
    code, message = refused(serving, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    assert (code, message) == ("ValidationException", f"Could not find model data at {url}.")


def test_a_model_has_one_kind_of_containers(serving: Serving) -> None:
    container = {"Image": IMAGE}
    assert refused(serving, PrimaryContainer=container, Containers=[container])[0] == "ValidationException"
    assert refused(serving)[0] == "ValidationException"


def test_host_names_are_for_all_containers_or_none(serving: Serving) -> None:
    code, message = refused(
        serving, Containers=[{"Image": IMAGE, "ContainerHostname": "a"}, {"Image": IMAGE}]
    )
    assert code == "ValidationException"
    assert "ContainerHostname" in message


def test_a_role_must_exist(serving: Serving) -> None:
    code, message = refused(
        serving,
        PrimaryContainer={"Image": IMAGE},
        ExecutionRoleArn=f"{serving.role.rpartition('/')[0]}/nobody-e1f22",
    )
    assert code == "ValidationException"
    assert "Could not assume role" in message


def test_models_are_listed_by_name_and_time(serving: Serving) -> None:
    names = [serving.model() for _ in range(3)]
    listed = serving.client.list_models(NameContains="model", SortBy="CreationTime", MaxResults=3)
    assert [model["ModelName"] for model in listed["Models"]] == names[::-1]


@pytest.mark.source("https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html")
def test_a_model_package_says_what_its_model_runs(serving: Serving) -> None:
    package = serving.name("package")
    container = serving.container()
    serving.client.create_model_package(
        ModelPackageName=package,
        InferenceSpecification={
            "Containers": [{key: container[key] for key in ("Image", "ModelDataUrl", "Environment")}],
            "SupportedTransformInstanceTypes": ["ml.m5.large"],
            "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )

    def completed() -> bool:
        found = serving.client.describe_model_package(ModelPackageName=package)
        return bool(found["ModelPackageStatus"] == "Completed")

    eventually(completed)
    name = serving.name("model")
    serving.client.create_model(
        ModelName=name, PrimaryContainer={"ModelPackageName": package}, ExecutionRoleArn=serving.role
    )
    found = serving.client.describe_model(ModelName=name)["PrimaryContainer"]
    assert found["ModelPackageName"] == package
    code, message = refused(serving, PrimaryContainer={"ModelPackageName": "there-is-none"})
    assert code == "ValidationException"
    assert message
