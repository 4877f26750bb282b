"""UpdateEndpoint: no request is lost, and a new model that fails goes away again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import error_of
from tests.conformance.sagemaker.serving import ECHO, Serving, serving
from tests.waiting import eventually

__all__ = ["serving"]

pytestmark = [
    pytest.mark.source("https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html"),
    pytest.mark.source("https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html"),
]

FAILS = ECHO.replace("    text = body", '    raise ValueError("a broken model")\n    text = body')


@pytest.fixture(scope="module")
def one(serving: Serving) -> str:
    return serving.config(serving.variant(serving.model(name="one")))


@pytest.fixture(scope="module")
def two(serving: Serving) -> str:
    return serving.config(serving.variant(serving.model(name="two")))


@pytest.fixture(scope="module")
def endpoint(serving: Serving, one: str) -> str:
    return serving.endpoint(one)


def blue_green(kind: str, wait: int, bake: int = 0, **sizes: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": bake,
        }
    }


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


class Asking:
    """Asks an endpoint without a pause; answers and errors in the order in which they came."""

    def __init__(self, serving: Serving, endpoint: str) -> None:
        self.answers: list[str] = []
        self.errors: list[ClientError] = []
        self.times: list[tuple[float, float, str]] = []
        """When each was asked, when it was answered, and what."""
        self._serving, self._endpoint = serving, endpoint
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]

    def _ask(self) -> None:
        while not self._enough.wait(0.02):
            asked = time.monotonic()
            try:
                answer = self._serving.invoke(self._endpoint)["Body"]
            except ClientError as error:
                self.errors.append(error)
            else:
                self.times.append((asked, time.monotonic(), answer))
                self.answers.append(answer)

    @contextmanager
    def asking(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._enough.set()
            for thread in self._threads:
                thread.join()


def test_all_traffic_moves_and_every_request_is_answered(
    serving: Serving, endpoint: str, one: str, two: str
) -> None:
    serving.settled(endpoint)
    asking = Asking(serving, endpoint)
    with asking.asking():
        eventually(lambda: asking.answers)
        serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=two)
        found = serving.client.describe_endpoint(EndpointName=endpoint)
        assert found["EndpointStatus"] == "Updating"
        assert found["EndpointConfigName"] == one
        with pytest.raises(ClientError) as raised:
            serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=one)
        assert error_of(raised)[1].startswith("Cannot update in-progress endpoint")
        with pytest.raises(ClientError) as raised:
            serving.client.delete_endpoint(EndpointName=endpoint)
        assert error_of(raised)[0] == "ValidationException"
        found = serving.settled(endpoint)
        eventually(lambda: "two:x" in asking.answers)
    assert found["EndpointConfigName"] == two
    assert not asking.errors
    assert set(asking.answers) == {"one:x", "two:x"}
    moved = min(answered for _, answered, answer in asking.times if answer == "two:x")
    assert {answer for asked, _, answer in asking.times if asked > moved} <= {"two:x"}
    assert serving.invoke(endpoint)["Body"] == "two:x"
    serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=one)
    serving.settled(endpoint)


def test_a_canary_gets_its_share_before_the_rest_follows(
    serving: Serving, endpoint: str, one: str, two: str
) -> None:
    policy = blue_green("CANARY", wait=6, CanarySize=percent(20))
    serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=two, DeploymentConfig=policy)

    def canary() -> bool:
        found = serving.client.describe_endpoint(EndpointName=endpoint)
        pending = found.get("PendingDeploymentSummary", {"ProductionVariants": [{}]})
        status = pending["ProductionVariants"][0].get("VariantStatus", [{"Status": ""}])
        return bool(status[0]["Status"] == "Baking")

    eventually(canary, within=60)
    found = serving.client.describe_endpoint(EndpointName=endpoint)
    assert found["PendingDeploymentSummary"]["EndpointConfigName"] == two
    answers = [serving.invoke(endpoint)["Body"] for _ in range(50)]
    assert answers.count("two:x") == 10
    found = serving.settled(endpoint)
    assert found["LastDeploymentConfig"] == policy
    assert found["EndpointConfigName"] == two
    assert {serving.invoke(endpoint)["Body"] for _ in range(10)} == {"two:x"}
    serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=one)
    serving.settled(endpoint)


def test_an_alarm_rolls_a_broken_model_back(serving: Serving, endpoint: str, one: str) -> None:
    cloudwatch = serving.aws.client("cloudwatch")
    alarm = serving.name("alarm")
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    broken = serving.config(serving.variant(serving.model(FAILS)))
    policy = blue_green("CANARY", wait=120, CanarySize=percent(50)) | {
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]}
    }
    serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=broken, DeploymentConfig=policy)
    asking = Asking(serving, endpoint)
    with asking.asking():
        found = serving.settled(endpoint)
    assert asking.errors
    assert {error.response["Error"]["Code"] for error in asking.errors} == {"ModelError"}
    assert found["EndpointConfigName"] == one
    assert "PendingDeploymentSummary" not in found
    assert alarm in found["FailureReason"]
    assert {serving.invoke(endpoint)["Body"] for _ in range(10)} == {"one:x"}
    cloudwatch.delete_alarms(AlarmNames=[alarm])


def test_a_model_that_does_not_start_leaves_the_old_one_in_service(
    serving: Serving, endpoint: str, one: str
) -> None:
    dead = serving.config(serving.variant(serving.model("raise RuntimeError('no start')")))
    asking = Asking(serving, endpoint)
    with asking.asking():
        serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=dead)
        found = serving.settled(endpoint)
    assert found["EndpointConfigName"] == one
    assert "did not pass the ping health check" in found["FailureReason"]
    assert not asking.errors
    assert set(asking.answers) == {"one:x"}


@pytest.mark.long
def test_a_rolling_update_replaces_batch_by_batch(serving: Serving) -> None:
    models = [serving.model(name=name) for name in ("old", "new")]
    old, new = (serving.config(serving.variant(model, InitialInstanceCount=2)) for model in models)
    endpoint = serving.endpoint(old)
    asking = Asking(serving, endpoint)
    policy = {"RollingUpdatePolicy": {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 1}}
    with asking.asking():
        serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=new, DeploymentConfig=policy)
        found = serving.settled(endpoint)
    assert found["EndpointConfigName"] == new
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert not asking.errors
    assert serving.invoke(endpoint)["Body"] == "new:x"


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (blue_green("CANARY", 0), "CanarySize"),
        (blue_green("CANARY", 0, CanarySize=percent(60)), "50%"),
        (blue_green("LINEAR", 0, LinearStepSize=percent(5)), "10%"),
        (blue_green("ALL_AT_ONCE", 0, CanarySize=percent(5)), "CanarySize"),
        (
            blue_green("ALL_AT_ONCE", 0)
            | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "there-is-none"}]}},
            "there-is-none",
        ),
    ],
)
def test_a_wrong_policy_changes_nothing(
    serving: Serving, endpoint: str, two: str, policy: dict[str, Any], words: str
) -> None:
    before = serving.settled(endpoint)
    with pytest.raises(ClientError) as raised:
        serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=two, DeploymentConfig=policy)
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert words in message
    after = serving.client.describe_endpoint(EndpointName=endpoint)
    assert after["EndpointStatus"] == "InService"
    assert after["LastModifiedTime"] == before["LastModifiedTime"]
