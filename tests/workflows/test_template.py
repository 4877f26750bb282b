"""The stack's template: valid, private, and in step with what the application needs."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.resources import required
from tests.packaging.conftest import ROOT

PATH = ROOT / "workflows" / "template.yaml"


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as text."""


def short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return None


Loader.add_multi_constructor("!", short_form)
TEMPLATE: dict[str, Any] = yaml.load(PATH.read_text(), Loader)
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
NAMED = {
    "AWS::Kinesis::Stream": ("stream", "Name"),
    "AWS::DynamoDB::Table": ("table", "TableName"),
    "AWS::S3::Bucket": ("bucket", "BucketName"),
    "AWS::SQS::Queue": ("queue", "QueueName"),
}


def of_type(kind: str) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in RESOURCES.values() if resource["Type"] == kind]


def test_it_passes_cfn_lint() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([lint, PATH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_makes_exactly_what_the_application_needs() -> None:
    suffix = "-${AWS::AccountId}-${AWS::Region}"
    made = {
        (kind, properties[name].replace("${Stage}", "local").removesuffix(suffix))
        for type_, (kind, name) in NAMED.items()
        for properties in of_type(type_)
    }
    assert made == {(resource.kind, resource.name) for resource in required("local")}


@pytest.mark.parametrize("bucket", of_type("AWS::S3::Bucket"), ids=lambda bucket: bucket["BucketName"])
def test_buckets_are_encrypted_and_private(bucket: dict[str, Any]) -> None:
    assert bucket["BucketEncryption"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert bucket["LifecycleConfiguration"]["Rules"]


def test_streams_tables_and_queues_are_encrypted() -> None:
    assert all(stream["StreamEncryption"] for stream in of_type("AWS::Kinesis::Stream"))
    assert all(table["SSESpecification"]["SSEEnabled"] for table in of_type("AWS::DynamoDB::Table"))
    assert all(queue["SqsManagedSseEnabled"] for queue in of_type("AWS::SQS::Queue"))


def test_no_role_may_do_everything_or_touch_everything() -> None:
    for role in of_type("AWS::IAM::Role"):
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                actions = [actions] if isinstance(actions, str) else actions
                assert not [action for action in actions if "*" in action]
                if statement["Resource"] == "*":
                    assert actions == ["ecr:GetAuthorizationToken"], (
                        "knows no resources; nothing else may have *"
                    )


def test_everything_named_says_its_stage() -> None:
    for name in re.findall(r"^ +\w*Name: (.+)$", PATH.read_text(), re.MULTILINE):
        assert "mdlc-${Stage}" in name or not name.startswith("!Sub"), name


def test_jobs_are_left_out_unless_asked_for() -> None:
    conditional = {
        name
        for name, resource in RESOURCES.items()
        if resource.get("Condition") in ("WithCompute", "WithImages")
    }
    batch = {
        name
        for name, resource in RESOURCES.items()
        if resource["Type"].startswith(("AWS::Batch", "AWS::ECR"))
    }
    assert batch <= conditional
    assert TEMPLATE["Parameters"]["Compute"]["Default"] == "false"
