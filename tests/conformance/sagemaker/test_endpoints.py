"""Endpoints: from a configuration to a model that answers, and what is said when it does not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import error_of
from tests.conformance.sagemaker.serving import Serving, serving
from tests.waiting import eventually

__all__ = ["serving"]

INVOKE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"
CREATE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html"
DESCRIBE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html"
CONFIG = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html"
PIPELINE = "https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipeline-real-time.html"
CONTAINER = "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"
EVENTS = "https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html"
METRICS = "https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"
LOGS = "https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html"


@pytest.fixture(scope="module")
def endpoint(serving: Serving) -> str:
    """One that answers `m:<what it was sent>`."""
    return serving.endpoint(serving.config(serving.variant(serving.model())))


def failure(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    return raised.value.response["Error"]["Code"], raised.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.source(DESCRIBE)
def test_an_endpoint_comes_into_service(serving: Serving, endpoint: str) -> None:
    found = serving.client.describe_endpoint(EndpointName=endpoint)
    assert found["EndpointArn"].endswith(f":endpoint/{endpoint}")
    (variant,) = found["ProductionVariants"]
    assert variant["VariantName"] == "AllTraffic"
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 1)
    assert (variant["CurrentWeight"], variant["DesiredWeight"]) == (1.0, 1.0)
    assert variant["DeployedImages"][0]["SpecifiedImage"]
    assert "FailureReason" not in found
    assert "PendingDeploymentSummary" not in found
    listed = serving.client.list_endpoints(NameContains=endpoint, StatusEquals="InService")
    assert [one["EndpointName"] for one in listed["Endpoints"]] == [endpoint]
    assert not serving.client.list_endpoints(NameContains=endpoint, StatusEquals="Failed")["Endpoints"]


@pytest.mark.source(INVOKE)
def test_the_model_answers(serving: Serving, endpoint: str) -> None:
    answer = serving.invoke(endpoint, "1,2,3", ContentType="text/csv")
    assert answer["Body"] == "m:1,2,3"
    assert answer["ContentType"].startswith("text/csv")
    assert answer["InvokedProductionVariant"] == "AllTraffic"


@pytest.mark.source(INVOKE)
def test_a_payload_of_six_megabytes_passes_and_no_more(serving: Serving, endpoint: str) -> None:
    body = b"7" * (6 * 1024 * 1024 - 2)
    assert serving.invoke(endpoint, body)["Body"] == "m:" + body.decode()
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint, b"7" * (6 * 1024 * 1024 + 1))
    assert failure(raised) in (("ValidationError", 400), ("413", 413))


@pytest.mark.source(INVOKE)
def test_a_failing_model_is_a_model_error(serving: Serving, endpoint: str) -> None:
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint, "fail")
    assert failure(raised) == ("ModelError", 424)
    response: Any = raised.value.response
    assert response["OriginalStatusCode"] == 500
    assert response["OriginalMessage"]
    assert f"log-group:/aws/sagemaker/Endpoints/{endpoint}" in response["LogStreamArn"]
    message = response["Error"]["Message"]
    assert message.startswith('Received server error (500) from primary with message "')
    assert f"logEventViewer:group=/aws/sagemaker/Endpoints/{endpoint} in account" in message


@pytest.mark.source(INVOKE)
@pytest.mark.parametrize("name", ["there-is-none", "a"])
def test_an_unknown_endpoint_is_not_found(serving: Serving, name: str) -> None:
    with pytest.raises(ClientError) as raised:
        serving.invoke(name)
    assert failure(raised) == ("ValidationError", 400)
    account = serving.role.split(":")[4]
    assert raised.value.response["Error"]["Message"] == f"Endpoint {name} of account {account} not found."


@pytest.mark.source(INVOKE)
def test_an_unknown_variant_or_model_is_refused(serving: Serving, endpoint: str) -> None:
    for wrong in ({"TargetVariant": "none"}, {"TargetModel": "a.tar.gz"}, {"TargetContainerHostname": "x"}):
        with pytest.raises(ClientError) as raised:
            serving.invoke(endpoint, **wrong)
        assert failure(raised) == ("ValidationError", 400)


@pytest.mark.source(INVOKE)
@pytest.mark.parametrize(
    "member", [{"InferenceComponentName": "x"}, {"EnableExplanations": "`true`"}, {"PrefixAwareId": "x"}]
)
def test_what_is_not_done_is_not_ignored(serving: Serving, endpoint: str, member: dict[str, str]) -> None:
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint, **member)
    assert next(iter(member)) in raised.value.response["Error"]["Message"]


@pytest.mark.source(LOGS)
def test_what_the_model_prints_is_in_the_log(serving: Serving, endpoint: str) -> None:
    logs = serving.aws.client("logs")
    with pytest.raises(ClientError):
        serving.invoke(endpoint, "fail for the log")

    def printed() -> bool:
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
        assert stream["logStreamName"].startswith("AllTraffic/i-")
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        return any("failed as asked" in event["message"] for event in events)

    eventually(printed)


@pytest.mark.source(METRICS)
def test_invocations_are_counted_in_cloudwatch(serving: Serving, endpoint: str) -> None:
    cloudwatch = serving.aws.client("cloudwatch")
    cloudwatch.list_metrics(Namespace="AWS/SageMaker")
    serving.invoke(endpoint)
    with pytest.raises(ClientError):
        serving.invoke(endpoint, "fail")
    dimensions = [
        {"Name": "EndpointName", "Value": endpoint},
        {"Name": "VariantName", "Value": "AllTraffic"},
    ]

    def total(metric: str, statistic: str = "Sum") -> float:
        import datetime

        now = datetime.datetime.now(datetime.UTC)
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=dimensions,
            StartTime=now - datetime.timedelta(minutes=10),
            EndTime=now + datetime.timedelta(minutes=1),
            Period=3600,
            Statistics=[statistic],
        )["Datapoints"]
        return sum(point[statistic] for point in points)

    eventually(lambda: total("Invocations") >= 2 and total("InvocationModelErrors") >= 1)
    assert total("Invocation5XXErrors") == total("InvocationModelErrors")
    assert total("Invocation4XXErrors") == 0
    assert total("InvocationsPerInstance") == total("Invocations")
    assert 0 < total("ModelLatency", "Minimum") < 60e6
    assert total("OverheadLatency", "SampleCount") == total("Invocations")


@pytest.mark.source(CREATE)
def test_names_must_be_there_and_free(serving: Serving, endpoint: str) -> None:
    with pytest.raises(ClientError) as raised:
        serving.client.create_endpoint(EndpointName=serving.name("e"), EndpointConfigName="there-is-none")
    assert error_of(raised)[0] == "ValidationException"
    assert error_of(raised)[1].startswith("Could not find endpoint configuration")
    config = serving.client.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    with pytest.raises(ClientError) as raised:
        serving.client.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    assert error_of(raised)[1].startswith("Cannot create already existing endpoint")
    with pytest.raises(ClientError) as raised:
        serving.client.describe_endpoint(EndpointName="there-is-none")
    assert error_of(raised)[1].startswith("Could not find endpoint")


@pytest.mark.source(CONFIG)
@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"InstanceType": "ml.imaginary.large"}, "enum"),
        ({"ModelName": "there-is-none"}, "Could not find model"),
        ({"InitialInstanceCount": 0}, "greater than or equal to 1"),
        ({"InitialVariantWeight": -1.0}, "greater than or equal to 0"),
    ],
)
def test_wrong_variants_make_no_configuration(serving: Serving, members: dict[str, Any], words: str) -> None:
    name = serving.name("config")
    variant = serving.variant(serving.model(), **members)
    with pytest.raises(ClientError) as raised:
        serving.unchecked.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert words in message
    with pytest.raises(ClientError) as raised:
        serving.client.describe_endpoint_config(EndpointConfigName=name)
    assert error_of(raised)[1].startswith("Could not find endpoint configuration")


@pytest.mark.source(CONFIG)
@pytest.mark.parametrize(
    ("of_variant", "members", "words"),
    [
        ({"EnableSSMAccess": True}, {}, "EnableSSMAccess"),
        ({"RoutingConfig": {"RoutingStrategy": "PREFIX_AWARE"}}, {}, "PREFIX_AWARE"),
        ({}, {"MetricsConfig": {"EnableEnhancedMetrics": True}}, "EnableEnhancedMetrics"),
    ],
)
def test_what_a_configuration_cannot_have_is_not_ignored(
    serving: Serving, of_variant: dict[str, Any], members: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError) as raised:
        serving.config(serving.variant(serving.model(), **of_variant), **members)
    assert words in error_of(raised)[1]


@pytest.mark.source(CONFIG)
def test_a_configuration_is_described_listed_and_deleted(serving: Serving) -> None:
    model = serving.model()
    name = serving.config(serving.variant(model, InitialVariantWeight=0.5))
    found = serving.client.describe_endpoint_config(EndpointConfigName=name)
    assert found["ProductionVariants"] == [serving.variant(model, InitialVariantWeight=0.5)]
    listed = serving.client.list_endpoint_configs(NameContains=name)["EndpointConfigs"]
    assert [one["EndpointConfigArn"] for one in listed] == [found["EndpointConfigArn"]]
    serving.client.delete_endpoint_config(EndpointConfigName=name)
    assert not serving.client.list_endpoint_configs(NameContains=name)["EndpointConfigs"]


@pytest.mark.source(CONTAINER)
def test_a_server_that_dies_fails_the_endpoint_with_its_last_words(serving: Serving) -> None:
    model = serving.model("raise RuntimeError('the last words')")
    endpoint = serving.begin(serving.config(serving.variant(model)))
    found = serving.settled(endpoint, "Failed")
    reason = found["FailureReason"]
    assert reason.startswith(
        "The primary container for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint)
    assert failure(raised) == ("ValidationError", 400)
    with pytest.raises(ClientError) as raised:
        serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=found["EndpointConfigName"])
    assert error_of(raised)[0] == "ValidationException"
    if serving.aws.endpoint_url is not None:
        assert "the last words" in reason


@pytest.mark.long
@pytest.mark.source(PIPELINE)
def test_the_containers_of_a_pipeline_follow_each_other(serving: Serving) -> None:
    model = serving.name("model")
    serving.client.create_model(
        ModelName=model,
        ExecutionRoleArn=serving.role,
        Containers=[serving.container(name="first"), serving.container(name="second")],
    )
    endpoint = serving.endpoint(serving.config(serving.variant(model)))
    assert serving.invoke(endpoint, "x")["Body"] == "second:first:x"
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint, "fail")
    assert "from container-1 with message" in error_of(raised)[1]


@pytest.mark.long
@pytest.mark.source(DESCRIBE)
def test_a_deleted_endpoint_is_gone_and_can_be_made_again(serving: Serving) -> None:
    config = serving.config(serving.variant(serving.model()))
    endpoint = serving.endpoint(config)
    serving.client.delete_endpoint(EndpointName=endpoint)

    def gone() -> bool:
        try:
            serving.client.describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            return "Could not find endpoint" in error.response["Error"]["Message"]
        return False

    eventually(gone)
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint)
    assert failure(raised) == ("ValidationError", 400)
    serving.client.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    serving.settled(endpoint)
    assert serving.invoke(endpoint)["Body"] == "m:x"


@pytest.mark.source(EVENTS)
def test_states_are_told_to_eventbridge(serving: Serving) -> None:
    events, sqs = serving.aws.client("events"), serving.aws.client("sqs")
    name = serving.name("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Endpoint State Change"]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    endpoint = serving.endpoint(serving.config(serving.variant(serving.model())))
    told: list[str] = []

    def complete() -> bool:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", ()):
            event = json.loads(message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            if event["detail"]["EndpointName"] == endpoint:
                assert event["resources"] == [event["detail"]["EndpointArn"]]
                told.append(event["detail"]["EndpointStatus"])
        return "IN_SERVICE" in told

    eventually(complete)
    assert set(told) <= {"CREATING", "IN_SERVICE"}
    events.remove_targets(Rule=name, Ids=["q"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=queue)


@pytest.mark.long
@pytest.mark.source(CONTAINER)
def test_a_server_that_crashes_is_started_again(serving: Serving) -> None:
    endpoint = serving.endpoint(serving.config(serving.variant(serving.model())))
    before = serving.invoke(endpoint, "pid")["Body"]
    with pytest.raises(ClientError) as raised:
        serving.invoke(endpoint, "die")
    assert failure(raised)[1] >= 424

    def back() -> bool:
        try:
            return serving.invoke(endpoint, "again")["Body"] == "m:again"
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise
            return False

    eventually(back)
    assert before
    assert serving.client.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService"


@pytest.mark.source(DESCRIBE)
def test_data_that_are_gone_or_no_archive_fail_the_endpoint(serving: Serving) -> None:
    gone, broken, damaged = serving.data(), serving.data(), serving.data()
    models = []
    for url in (gone, broken, damaged):
        model = serving.name("model")
        container = serving.container() | {"ModelDataUrl": url}
        serving.client.create_model(
            ModelName=model, PrimaryContainer=container, ExecutionRoleArn=serving.role
        )
        models.append(model)
    serving.bucket.s3.delete_object(Bucket=serving.bucket.name, Key=gone.removeprefix(serving.bucket.uri()))
    serving.bucket.put(broken.removeprefix(serving.bucket.uri()), "no archive")
    with_another_checksum = serving.bucket.read(damaged)[:-8] + bytes(8)
    serving.bucket.put(damaged.removeprefix(serving.bucket.uri()), with_another_checksum)
    for model, url, words in (
        (models[0], gone, "Failed to download model data from URL"),
        (models[1], broken, "Failed to extract model data archive from URL"),
        (models[2], damaged, "Failed to extract model data archive from URL"),
    ):
        endpoint = serving.begin(serving.config(serving.variant(model)))
        reason = serving.settled(endpoint, "Failed")["FailureReason"]
        assert reason.startswith(f'{words} "{url}".')


@pytest.mark.long
@pytest.mark.source(INVOKE)
def test_a_model_has_sixty_seconds(serving: Serving, endpoint: str) -> None:
    patient = serving.aws.client(
        "sagemaker-runtime", config=Config(read_timeout=90, retries={"total_max_attempts": 1})
    )
    began = time.monotonic()
    with pytest.raises(ClientError) as raised:
        patient.invoke_endpoint(EndpointName=endpoint, Body="sleep 63", ContentType="text/csv")
    assert 55 < time.monotonic() - began < 63
    assert failure(raised) == ("ModelError", 424)
    message = error_of(raised)[1]
    assert message.startswith(
        'Received server error (0) from primary with message "Your invocation timed out'
    )
