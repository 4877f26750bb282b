"""Models, endpoints and package groups in stacks."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

from .conftest import IMAGE, Bucket

TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference"
pytestmark = [
    pytest.mark.source(f"{TEMPLATES}/aws-resource-sagemaker-model.html"),
    pytest.mark.source(f"{TEMPLATES}/aws-resource-sagemaker-endpointconfig.html"),
    pytest.mark.source(f"{TEMPLATES}/aws-resource-sagemaker-endpoint.html"),
    pytest.mark.source(f"{TEMPLATES}/aws-resource-sagemaker-modelpackagegroup.html"),
]

SAYS = """
def model_fn(model_dir):
    return "{word}"

def transform_fn(model, data, content_type, accept):
    return model, "text/plain"
"""


@pytest.fixture
def saying(bucket: Bucket) -> Callable[[str], str]:
    """`saying("one")` -> the URI of a model that answers that word."""

    def store(word: str) -> str:
        buffer, code = io.BytesIO(), SAYS.format(word=word).encode()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            info = tarfile.TarInfo("code/inference.py")
            info.size = len(code)
            tar.addfile(info, io.BytesIO(code))
        return bucket.put(f"models/{word}/model.tar.gz", buffer.getvalue())

    return store


class Stack:
    def __init__(self, aws: Aws, name: str) -> None:
        self.client, self.name = aws.client("cloudformation"), name

    def deploy(self, template: dict[str, Any]) -> dict[str, str]:
        """Create or update, wait until it is over, return the outputs. AssertionError with why it failed."""
        request = {"StackName": self.name, "TemplateBody": json.dumps(template)}
        try:
            self.client.describe_stacks(StackName=self.name)
        except ClientError:
            self.client.create_stack(**request)
        else:
            self.client.update_stack(**request)
        found = eventually(self._over, within=60)
        if found["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            reasons = [
                str(event.get("ResourceStatusReason"))
                for event in self.client.describe_stack_events(StackName=self.name)["StackEvents"]
                if event["ResourceStatus"].endswith("_FAILED")
            ]
            raise DeploymentFailed(" | ".join(reasons))
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}

    def _over(self) -> dict[str, Any] | None:
        found: dict[str, Any] = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    def delete(self) -> None:
        self.client.delete_stack(StackName=self.name)
        eventually(self._gone, within=60)

    def _gone(self) -> bool:
        try:
            found = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError:
            return True
        assert found[0]["StackStatus"] != "DELETE_FAILED", found
        return bool(found[0]["StackStatus"] == "DELETE_COMPLETE")


class DeploymentFailed(Exception):
    """The reasons that the stack's events give."""


@pytest.fixture
def stack(aws: Aws, unique: Callable[[str], str]) -> Iterator[Stack]:
    made = Stack(aws, unique("stack"))
    yield made
    made.delete()


def serving(role: str, model: str, **model_changes: Any) -> dict[str, Any]:
    """A template with a model, its configuration and an endpoint."""
    container = {
        "Image": IMAGE,
        "ModelDataUrl": model,
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    }
    variant = {
        "VariantName": "one",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": "1",
        "InitialVariantWeight": 1,
    }
    config_name = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
    return {
        "Resources": {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {"ExecutionRoleArn": role, "PrimaryContainer": container | model_changes},
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {"ProductionVariants": [variant]},
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointConfigName": config_name,
                    "Tags": [{"Key": "team", "Value": "delays"}],
                },
            },
        },
        "Outputs": {
            "Endpoint": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}},
            "EndpointArn": {"Value": {"Ref": "Endpoint"}},
            "Config": {"Value": config_name},
            "Model": {"Value": {"Fn::GetAtt": ["Model", "ModelName"]}},
        },
    }


def said(aws: Aws, endpoint: str) -> str:
    answer = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"?")
    return str(answer["Body"].read().decode())


def test_an_endpoint_is_made_changed_and_removed(
    aws: Aws, stack: Stack, sagemaker_role: str, saying: Callable[[str], str]
) -> None:
    """A change of the model replaces model and configuration; the endpoint keeps its name and is updated."""
    client = aws.client("sagemaker")
    first = stack.deploy(serving(sagemaker_role, saying("one")))
    described = client.describe_endpoint(EndpointName=first["Endpoint"])
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointArn"] == first["EndpointArn"]
    assert {"Key": "team", "Value": "delays"} in client.list_tags(ResourceArn=first["EndpointArn"])["Tags"]
    assert said(aws, first["Endpoint"]) == "one"

    second = stack.deploy(serving(sagemaker_role, saying("two")))
    assert second["Endpoint"] == first["Endpoint"]
    assert second["Config"] != first["Config"]
    assert second["Model"] != first["Model"]
    assert said(aws, second["Endpoint"]) == "two"
    eventually(lambda: gone(client.describe_model, ModelName=first["Model"]))

    stack.delete()
    assert gone(client.describe_endpoint, EndpointName=second["Endpoint"])
    assert gone(client.describe_endpoint_config, EndpointConfigName=second["Config"])
    assert gone(client.describe_model, ModelName=second["Model"])


def gone(describe: Callable[..., Any], **name: str) -> bool:
    try:
        describe(**name)
    except ClientError as error:
        return str(error.response["Error"]["Message"]).startswith("Could not find")
    return False


def test_an_endpoint_whose_server_dies_fails_the_stack_with_its_reason(
    aws: Aws, stack: Stack, sagemaker_role: str, saying: Callable[[str], str]
) -> None:
    environment = {"SAGEMAKER_PROGRAM": "missing.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    template = serving(sagemaker_role, saying("one"), Environment=environment)
    with pytest.raises(DeploymentFailed, match="missing"):
        stack.deploy(template)


def test_what_sagemaker_refuses_fails_the_stack(stack: Stack, sagemaker_role: str) -> None:
    template = serving(sagemaker_role, "s3://no-such-bucket-anywhere/model.tar.gz")
    with pytest.raises(DeploymentFailed, match="no-such-bucket-anywhere"):
        stack.deploy(template)


def test_a_model_package_group(aws: Aws, stack: Stack, unique: Callable[[str], str]) -> None:
    name = unique("group")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "read",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": "sagemaker:DescribeModelPackageGroup",
                "Resource": "*",
            }
        ],
    }

    def template(**changes: Any) -> dict[str, Any]:
        properties = {"ModelPackageGroupName": name, "ModelPackageGroupDescription": "delays"} | changes
        group = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": properties}
        status = {"Fn::GetAtt": ["Group", "ModelPackageGroupStatus"]}
        return {
            "Resources": {"Group": group},
            "Outputs": {"Arn": {"Value": {"Ref": "Group"}}, "Status": {"Value": status}},
        }

    client = aws.client("sagemaker")
    outputs = stack.deploy(template(Tags=[{"Key": "team", "Value": "delays"}]))
    described = client.describe_model_package_group(ModelPackageGroupName=name)
    assert described["ModelPackageGroupArn"] == outputs["Arn"]
    assert described["ModelPackageGroupDescription"] == "delays"
    assert outputs["Status"] == "Completed"

    stack.deploy(template(Tags=[{"Key": "stage", "Value": "beta"}], ModelPackageGroupPolicy=policy))
    keys = {tag["Key"] for tag in client.list_tags(ResourceArn=outputs["Arn"])["Tags"]}
    assert "stage" in keys
    assert "team" not in keys
    kept = client.get_model_package_group_policy(ModelPackageGroupName=name)["ResourcePolicy"]
    assert json.loads(kept) == policy

    stack.delete()
    with pytest.raises(ClientError):
        client.describe_model_package_group(ModelPackageGroupName=name)
