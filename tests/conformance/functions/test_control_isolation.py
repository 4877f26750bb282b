"""A name means one function per account and region."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import zipped
from tests.waiting import eventually

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/foundation-iac-regions-az.html")

WHERE = """
import boto3, os

def handler(event, context):
    return [os.environ["PLACE"], context.invoked_function_arn, os.environ["AWS_REGION"],
            boto3.client("sts").get_caller_identity()["Account"]]
"""


def role_of(aws: Aws, name: str) -> str:
    return str(aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"])


def deploy(aws: Aws, name: str, place: str, role: str) -> None:
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        MemorySize=256,
        Timeout=20,
        Code={"ZipFile": zipped({"index.py": WHERE})},
        Environment={"Variables": {"PLACE": place}},
    )


@pytest.fixture
def places(aws: Aws, pytestconfig: pytest.Config) -> list[Aws]:
    if pytestconfig.getoption("--aws") == "real":
        pytest.skip("needs two accounts")
    return [
        aws.at(account="111111111111"),
        aws.at(account="222222222222"),
        aws.at(account="111111111111", region="eu-west-1"),
    ]


def test_one_name_in_two_accounts_and_two_regions_is_three_functions(
    places: list[Aws], unique: Callable[[str], str]
) -> None:
    name = unique("f")
    # Roles belong to an account, not to a region.
    roles = {account: role_of(places[0].at(account=account), name) for account in {p.account for p in places}}
    for number, place in enumerate(places):
        deploy(place, name, str(number), roles[place.account])
    for number, place in enumerate(places):
        client = place.client("lambda")
        arn = f"arn:aws:lambda:{place.region}:{place.account}:function:{name}"
        answer = json.loads(client.invoke(FunctionName=name)["Payload"].read())
        assert answer == [str(number), arn, place.region, place.account]
        assert [f["FunctionArn"] for f in client.list_functions()["Functions"]] == [arn]
    places[0].client("lambda").delete_function(FunctionName=name)
    for place in places[1:]:
        assert place.client("lambda").invoke(FunctionName=name)["StatusCode"] == 200
        place.client("lambda").delete_function(FunctionName=name)


def test_logs_and_metrics_lie_with_the_function(places: list[Aws], unique: Callable[[str], str]) -> None:
    name = unique("f")
    deploy(places[0], name, "0", role_of(places[0], name))
    places[0].client("lambda").invoke(FunctionName=name)
    group = f"/aws/lambda/{name}"

    def groups(place: Aws) -> list[Any]:
        return list(place.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"])

    eventually(lambda: groups(places[0]))
    assert not groups(places[1])
    assert not groups(places[2])
    places[0].client("lambda").delete_function(FunctionName=name)
