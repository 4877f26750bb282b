"""SimulatePrincipalPolicy, which tools ask before they use a role."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
)


@pytest.fixture
def reader(aws: Aws, unique: Callable[[str], str]) -> Iterator[str]:
    """A role that may read one bucket, but for one prefix, and describe what is SageMaker's."""
    iam, name = aws.client("iam"), unique("reader")
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::rows/*"},
            {"Effect": "Deny", "Action": ["s3:*"], "Resource": "arn:aws:s3:::rows/secret/*"},
            {"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": "*"},
        ],
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(policy))
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="read")
    iam.delete_role(RoleName=name)


@pytest.mark.parametrize(
    ("action", "resource", "decision"),
    [
        ("s3:GetObject", "arn:aws:s3:::rows/2013.csv", "allowed"),
        ("s3:getobject", "arn:aws:s3:::rows/2013.csv", "allowed"),
        ("s3:GetObject", "arn:aws:s3:::ROWS/2013.csv", "implicitDeny"),
        ("s3:PutObject", "arn:aws:s3:::rows/2013.csv", "implicitDeny"),
        ("s3:GetObject", "arn:aws:s3:::rows/secret/2013.csv", "explicitDeny"),
        ("iam:PassRole", "*", "implicitDeny"),
        ("sagemaker:DescribeTrainingJob", "*", "allowed"),
        ("sts:AssumeRole", "*", "allowed"),
    ],
)
def test_the_decision_follows_the_policies(
    aws: Aws, reader: str, action: str, resource: str, decision: str
) -> None:
    (result,) = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=reader, ActionNames=[action], ResourceArns=[resource]
    )["EvaluationResults"]
    assert result["EvalActionName"] == action
    assert result["EvalResourceName"] == resource
    assert result["EvalDecision"] == decision


def test_without_resources_it_is_about_all_of_them(aws: Aws, reader: str) -> None:
    answer = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=reader, ActionNames=["logs:PutLogEvents", "s3:GetObject"]
    )
    found = {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}
    assert found == {"logs:PutLogEvents": "allowed", "s3:GetObject": "implicitDeny"}
    assert {one["EvalResourceName"] for one in answer["EvaluationResults"]} == {"*"}


def test_a_role_that_is_not_there_is_an_error(aws: Aws) -> None:
    with pytest.raises(ClientError) as error:
        aws.client("iam").simulate_principal_policy(
            PolicySourceArn="arn:aws:iam::000000000000:role/nobody", ActionNames=["s3:GetObject"]
        )
    assert error.value.response["Error"]["Code"] == "NoSuchEntity"
