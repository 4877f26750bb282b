"""The ledger of a running emulator, and strict mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from mdlc_emulator.launcher import Instance, start
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

STACK_OF_UNKNOWN = {"Resources": {"Fleet": {"Type": "AWS::GameLift::Fleet", "Properties": {"Name": "f"}}}}


def asked(instance: Instance, path: str, method: str = "GET") -> Any:
    answer = urllib3.request(method, instance.endpoint_url + path, timeout=120)
    assert answer.status in (200, 204), answer.data
    return json.loads(answer.data) if answer.data else None


def entries(instance: Instance, service: str, operation: str) -> list[dict[str, Any]]:
    found = asked(instance, "/_mdlc/fidelity")["entries"]
    return [one for one in found if (one["service"], one["operation"]) == (service, operation)]


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_status_says_what_runs(emulator: Instance, aws: Aws):
    aws.client("sts").get_caller_identity()
    status = asked(emulator, "/_mdlc/status")
    assert status["port"] == emulator.port
    assert status["strict"] is False
    assert "sts" in status["services"]
    assert status["memory"]["resident"] > 10_000_000
    assert status["uptime"] > 0
    assert set(status["fidelity"]) == {"executed", "simulated", "unsupported"}


def test_a_call_is_counted_with_who_what_and_which(emulator: Instance, aws: Aws):
    client = aws.client("s3")
    client.create_bucket(Bucket="ledger-bucket")
    for _ in range(3):
        client.put_object(Bucket="ledger-bucket", Key="k", Body=b"x")
    (entry,) = [
        one
        for one in entries(emulator, "s3", "PutObject")
        if one["resource"] == "arn:aws:s3:::ledger-bucket/k"
    ]
    assert (entry["fidelity"], entry["count"], entry["errors"]) == ("executed", 3, 0)
    assert entry["principal"] == {
        "account": aws.account,
        "service": None,
        "access_key": aws.account,
        "arn": None,
    }
    assert (entry["region"], entry["internal"]) == (aws.region, False)
    assert entry["first"] <= entry["last"]


def test_an_assumed_role_is_the_principal(emulator: Instance, aws: Aws):
    import boto3

    sts = aws.client("sts")
    arn = f"arn:aws:iam::{aws.account}:role/ledger-role"
    keys = sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    session.client("sqs", endpoint_url=emulator.endpoint_url).create_queue(QueueName="by-role")
    (entry,) = [one for one in entries(emulator, "sqs", "CreateQueue") if one["resource"] == "by-role"]
    assert entry["principal"]["arn"] == f"arn:aws:sts::{aws.account}:assumed-role/ledger-role/session"


def test_an_error_is_counted_with_its_code(emulator: Instance, aws: Aws):
    with pytest.raises(ClientError):
        aws.client("sqs").get_queue_url(QueueName="ledger-nowhere")
    (entry,) = [one for one in entries(emulator, "sqs", "GetQueueUrl") if one["resource"] == "ledger-nowhere"]
    assert (entry["count"], entry["errors"]) == (1, 1)
    assert entry["last_error"].endswith("NonExistentQueue") or entry["last_error"] == "QueueDoesNotExist"


def test_a_simulated_call_is_told_with_its_reason(emulator: Instance, aws: Aws):
    aws.client("ec2").describe_vpcs()
    found = entries(emulator, "ec2", "DescribeVpcs")
    assert {entry["fidelity"] for entry in found} == {"simulated"}
    assert "no network" in found[0]["reason"]


def test_a_member_of_the_request_makes_the_difference(emulator: Instance, aws: Aws):
    client = aws.client("sns")
    topic = client.create_topic(Name="ledger")["TopicArn"]
    client.publish(TopicArn=topic, Message="m")
    client.publish(PhoneNumber="+15550100", Message="m")
    assert {one["fidelity"] for one in entries(emulator, "sns", "Publish")} == {"executed", "simulated"}


def test_what_is_not_implemented_is_unsupported(emulator: Instance, aws: Aws):
    with pytest.raises(ClientError) as refused:
        aws.client("gamelift").list_fleets()
    assert code(refused) == "UnsupportedByEmulator"
    assert "does not have the service gamelift" in str(refused.value)
    with pytest.raises(ClientError, match=r"not been implemented|does not have"):
        aws.client("ec2").describe_spot_fleet_request_history(
            SpotFleetRequestId="sfr-73fbd2ce-aa30-494c-8788-1cee4EXAMPLE", StartTime="2026-01-01T00:00:00Z"
        )
    assert entries(emulator, "gamelift", "ListFleets")[0]["fidelity"] == "unsupported"
    assert entries(emulator, "ec2", "DescribeSpotFleetRequestHistory")[0]["fidelity"] == "unsupported"


def test_an_operation_that_no_model_has_is_unsupported(emulator: Instance):
    scope = "test/20260101/us-east-1/dynamodb/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=x"
    headers = {
        "Authorization": signed,
        "X-Amz-Target": "DynamoDB_20120810.Teleport",
        "Content-Type": "application/x-amz-json-1.0",
    }
    answer = urllib3.request("POST", emulator.endpoint_url, headers=headers, body=b"{}", retries=False)
    assert answer.status == 501
    assert answer.json()["__type"].endswith("UnsupportedByEmulator")
    (entry,) = entries(emulator, "dynamodb", "Teleport")
    assert (entry["fidelity"], entry["principal"]["access_key"]) == ("unsupported", "test")


def test_calls_of_the_emulator_itself_are_marked(emulator: Instance, aws: Aws):
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "by-stack"}}}}
    client = aws.client("cloudformation")
    client.create_stack(StackName="ledger-internal", TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName="ledger-internal", WaiterConfig={"Delay": 1})
    (entry,) = [one for one in entries(emulator, "sqs", "CreateQueue") if one["resource"] == "by-stack"]
    assert entry["internal"] is True


def test_a_resource_that_no_stack_can_make_fails_the_stack_and_is_told(emulator: Instance, aws: Aws):
    client = aws.client("cloudformation")
    client.create_stack(StackName="ledger-unknown", TemplateBody=json.dumps(STACK_OF_UNKNOWN))

    def final() -> str:
        status = client.describe_stacks(StackName="ledger-unknown")["Stacks"][0]["StackStatus"]
        return "" if status.endswith("IN_PROGRESS") else status

    assert eventually(final) in ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
    found = entries(emulator, "cloudformation", "AWS::GameLift::Fleet")
    assert [(entry["fidelity"], entry["resource"]) for entry in found] == [
        ("unsupported", "ledger-unknown/Fleet")
    ]


def test_a_resource_that_is_a_mere_record_is_told_by_the_call_that_makes_it(emulator: Instance, aws: Aws):
    client = aws.client("cloudformation")
    template = {"Resources": {"Images": {"Type": "AWS::ECR::Repository", "Properties": {}}}}
    client.create_stack(StackName="ledger-record", TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName="ledger-record", WaiterConfig={"Delay": 1})
    found = entries(emulator, "ecr", "CreateRepository")
    assert {(entry["fidelity"], entry["internal"]) for entry in found} == {("simulated", True)}
    assert all(entry["reason"] for entry in found)
    [repository] = aws.client("ecr").describe_repositories()["repositories"]
    name = repository["repositoryName"]
    assert repository["repositoryUri"].endswith(f".dkr.ecr.us-east-1.amazonaws.com/{name}")


@pytest.fixture(scope="module")
def classes(emulator: Instance) -> dict[str, Any]:
    """What the emulator says of all its operations; asking loads all services."""
    answer: dict[str, Any] = asked(emulator, "/_mdlc/fidelity/classes")
    return answer


def test_every_operation_of_every_service_has_a_class_and_every_simulated_one_a_reason(
    classes: dict[str, Any],
):
    answer = classes
    assert answer["failed"] == {}
    assert len(answer["services"]) > 30
    for service, operations in answer["services"].items():
        assert operations, service
        for operation, found in operations.items():
            assert found["fidelity"] in ("executed", "simulated", "unsupported"), (service, operation)
            if found["fidelity"] != "executed":
                assert len(found["reason"]) > 15, (service, operation)
    services = answer["services"]
    assert services["lambda"]["Invoke"]["fidelity"] == "executed"
    assert services["ec2"]["RunInstances"]["fidelity"] == "simulated"
    assert services["iam"]["CreateRole"]["fidelity"] == "executed"
    assert services["s3"]["SelectObjectContent"]["fidelity"] == "unsupported"


def test_no_exception_of_the_table_is_for_an_operation_that_is_not_there(classes: dict[str, Any]):
    from fnmatch import fnmatchcase

    from mdlc_emulator.engine.fidelity.table import table

    services = classes["services"]
    for name, judged in table().services.items():
        patterns = [*judged.executed, *judged.simulated, *judged.unsupported]
        for pattern in [*patterns, *(one.operation for one in judged.when)]:
            assert any(fnmatchcase(operation, pattern) for operation in services[name]), (name, pattern)


@pytest.fixture(scope="module")
def strict() -> Iterator[Instance]:
    instance = start(settings={"MDLC_STRICT": "1"})
    yield instance
    instance.stop()


def test_strict_refuses_a_simulated_call_with_reason_and_way_out(strict: Instance):
    aws = Aws(strict.endpoint_url)
    for service, call in [
        ("ec2", "describe_vpcs"),
        ("route53", "list_hosted_zones"),
        ("ssm", "list_documents"),
    ]:
        with pytest.raises(ClientError) as refused:
            getattr(aws.client(service), call)()
        assert code(refused) == "SimulatedByEmulator"
        assert "--strict" in str(refused.value)


def test_strict_refuses_an_unsupported_call(strict: Instance):
    with pytest.raises(ClientError) as refused:
        Aws(strict.endpoint_url).client("gamelift").list_fleets()
    assert code(refused) == "UnsupportedByEmulator"


def test_strict_fails_a_stack_of_what_would_only_be_simulated(strict: Instance):
    client = Aws(strict.endpoint_url).client("cloudformation")
    template = {"Resources": {"Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}}}
    client.create_stack(StackName="strict-net", TemplateBody=json.dumps(template))

    def failed() -> str:
        stack = client.describe_stacks(StackName="strict-net")["Stacks"][0]
        return stack.get("StackStatusReason", "") if stack["StackStatus"] == "CREATE_FAILED" else ""

    events = eventually(
        lambda: (
            failed()
            or [
                event["ResourceStatusReason"]
                for event in client.describe_stack_events(StackName="strict-net")["StackEvents"]
                if "simulated" in event.get("ResourceStatusReason", "")
            ]
        )
    )
    assert "AWS::EC2::VPC" in str(events)


def test_strict_lets_pass_what_is_executed(strict: Instance):
    aws = Aws(strict.endpoint_url)
    assert asked(strict, "/_mdlc/status")["strict"] is True
    aws.client("sts").get_caller_identity()
    iam = aws.client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy)
    client = aws.client("s3")
    client.create_bucket(Bucket="strict-bucket")
    client.put_object(Bucket="strict-bucket", Key="k", Body=b"x")
    with pytest.raises(ClientError) as refused:
        client.put_bucket_lifecycle_configuration(
            Bucket="strict-bucket",
            LifecycleConfiguration={
                "Rules": [{"ID": "a", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]
            },
        )
    assert code(refused) == "SimulatedByEmulator"


def test_a_reset_forgets_what_was_counted(strict: Instance):
    Aws(strict.endpoint_url).client("sts").get_caller_identity()
    asked(strict, "/_mdlc/fidelity", "DELETE")
    assert asked(strict, "/_mdlc/fidelity")["entries"] == []


def test_requests_to_deployed_endpoints_are_counted(emulator: Instance, aws: Aws):
    from tests.conformance.conftest import zipped

    client = aws.client("lambda")
    arn = client.create_function(
        FunctionName="ledger-url",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{aws.account}:role/any",
        Code={"ZipFile": zipped({"index.py": "def handler(event, context): return 'hello'"})},
    )["FunctionArn"]
    client.get_waiter("function_active_v2").wait(FunctionName="ledger-url")
    url = client.create_function_url_config(FunctionName="ledger-url", AuthType="NONE")["FunctionUrl"]
    host = url.removeprefix("http://").removeprefix("https://").rstrip("/")
    answer = urllib3.request("GET", emulator.endpoint_url + "/", headers={"Host": host}, timeout=30)
    assert answer.data == b"hello"
    found = {one["resource"]: one["count"] for one in entries(emulator, "lambda", "InvokeFunctionUrl")}
    assert found[host.partition(".")[0]] == 1

    gateway = aws.client("apigateway")
    api = gateway.create_rest_api(name="ledger")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    named = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**named, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(**named, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="s")
    urllib3.request("GET", f"{emulator.endpoint_url}/_aws/execute-api/{api}/s/", timeout=30)
    method = f"arn:aws:execute-api:{aws.region}:{aws.account}:{api}/s/GET/"
    (entry,) = [one for one in entries(emulator, "execute-api", "Invoke") if one["resource"] == method]
    assert (entry["fidelity"], entry["errors"]) == ("executed", 1)  # 'hello' is no output for a proxy
    by_gateway = [one for one in entries(emulator, "lambda", "Invoke") if one["resource"] == arn]
    assert {one["principal"]["service"] for one in by_gateway} >= {"apigateway"}, by_gateway
