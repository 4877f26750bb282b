"""Endpoints of several servers: those that die, that leave, that are changed, that are too many."""

from __future__ import annotations

import json
import os
import signal
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.launcher import start

from tests.emulator.sagemaker.serving import Serving, processes, recipe
from tests.waiting import eventually


def test_every_instance_is_a_server_and_a_killed_one_is_replaced(serving: Serving) -> None:
    """Here three at once are the first containers of this emulator, which must not hinder each other."""
    endpoint = serving.endpoint(serving.variant(serving.model("slow"), InitialInstanceCount=3))
    before = processes("slow")
    assert len(before) == 3
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: len(set(processes("slow")) - set(before)) == 1)

    def answers() -> bool:
        return [serving.invoke(endpoint)["Body"] for _ in range(6)] == [b"x"] * 6

    eventually(answers)
    serving.client.delete_endpoint(EndpointName=endpoint)
    eventually(lambda: not processes("slow"))


def test_deleting_an_endpoint_answers_what_it_has_taken(serving: Serving) -> None:
    endpoint = serving.endpoint(serving.variant(serving.model("slow")))
    answers: list[bytes] = []
    errors: list[str] = []

    def ask() -> None:
        while not errors:
            try:
                answers.append(serving.invoke(endpoint)["Body"])
            except ClientError as error:
                errors.append(error.response["Error"]["Message"])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(answers) > 12)
    serving.client.delete_endpoint(EndpointName=endpoint)
    for thread in threads:
        thread.join()
    assert set(answers) == {b"x"}
    assert set(errors) == {f"Endpoint {endpoint} of account 000000000000 not found."}


def test_a_serverless_variant_takes_so_many_at_once(serving: Serving) -> None:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": serving.model("echo"),
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
    }
    endpoint = serving.endpoint(variant)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            outcomes.append(serving.invoke(endpoint, b"wait")["Body"].decode())
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ThrottlingException", "waited"]


def test_variants_keep_what_they_had_when_an_update_says_so(serving: Serving) -> None:
    model = serving.model("echo")

    def config(**members: Any) -> str:
        two = [serving.variant(model, VariantName=name, **members) for name in ("a", "b")]
        return serving.config(*two)

    def state(endpoint: str) -> dict[str, tuple[float, int]]:
        found = serving.settled(endpoint)["ProductionVariants"]
        return {one["VariantName"]: (one["CurrentWeight"], one["CurrentInstanceCount"]) for one in found}

    endpoint = f"endpoint-{uuid.uuid4().hex[:8]}"
    serving.client.create_endpoint(EndpointName=endpoint, EndpointConfigName=config())
    serving.settled(endpoint)
    serving.client.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 4, "DesiredInstanceCount": 2},
            {"VariantName": "b", "DesiredWeight": 2},
        ],
    )
    assert state(endpoint) == {"a": (4, 2), "b": (2, 1)}
    serving.client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=config(InitialVariantWeight=9),
        RetainAllVariantProperties=True,
    )
    assert state(endpoint) == {"a": (4, 2), "b": (2, 1)}
    serving.client.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=config(InitialVariantWeight=9),
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    assert state(endpoint) == {"a": (9, 2), "b": (9, 1)}
    serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config(InitialVariantWeight=5))
    assert state(endpoint) == {"a": (5, 1), "b": (5, 1)}
    with pytest.raises(ClientError) as raised:
        serving.client.update_endpoint(
            EndpointName=endpoint,
            EndpointConfigName=config(),
            ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
        )
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def listening(serving: Serving, detail_type: str) -> Callable[[], list[dict[str, Any]]]:
    """The events of this type from now on, with each call those that are new."""
    events, sqs = serving.aws.client("events"), serving.aws.client("sqs")
    name = f"events-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": [detail_type]}))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])

    def heard() -> list[dict[str, Any]]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ())
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in found]

    return heard


def test_linear_steps_follow_each_other_and_are_told(serving: Serving) -> None:
    model = serving.model("echo")
    endpoint = serving.endpoint(serving.variant(model))
    heard = listening(serving, "SageMaker Endpoint Deployment State Change")
    config = serving.config(serving.variant(model))
    routing = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 1,
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
    }
    policy = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 1}
    }
    serving.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, DeploymentConfig=policy)
    said: list[str] = []

    def over() -> bool:
        found = serving.client.describe_endpoint(EndpointName=endpoint)
        for variant in found.get("PendingDeploymentSummary", {}).get("ProductionVariants", ()):
            for status in variant.get("VariantStatus", ()):
                if status["Status"] == "Baking" and status["StatusMessage"] not in said:
                    said.append(status["StatusMessage"])
        return bool(found["EndpointStatus"] == "InService")

    eventually(over, every=0.02)
    assert said == [
        f"Baking for 1 seconds ({setting}) with traffic enabled on {part} capacity of 1 instance(s)."
        for setting, part in (("WaitIntervalInSeconds", "canary"), ("TerminationWaitInSeconds", "full"))
    ]
    told: dict[str, dict[str, Any]] = {}

    def complete() -> bool:
        for event in heard():
            (variant,) = event["detail"]["PendingDeploymentSummary"]["ProductionVariants"]
            told[variant["VariantStatus"][0]["StatusMessage"]] = event
        return set(said) <= told.keys()

    eventually(complete)
    event = told[said[0]]
    assert event["source"] == "aws.sagemaker"
    assert event["detail"]["EndpointStatus"] == "UPDATING"
    assert event["detail"]["PendingDeploymentSummary"]["EndpointConfigName"] == config
    assert event["resources"] == [event["detail"]["EndpointArn"]]


def test_more_instances_than_the_quota_are_refused_at_once(serving: Serving) -> None:
    config = serving.config(serving.variant(serving.model("echo"), InitialInstanceCount=21))
    with pytest.raises(ClientError) as raised:
        serving.client.create_endpoint(EndpointName="too-many", EndpointConfigName=config)
    assert raised.value.response["Error"]["Code"] == "ResourceLimitExceeded"
    assert "'ml.m5.large for endpoint usage' is 20 Instances" in raised.value.response["Error"]["Message"]


@pytest.mark.long
def test_nothing_of_a_killed_emulator_serves_on(tmp_path: Path) -> None:
    recipes = tmp_path / "mdlc-images.toml"
    recipes.write_text(recipe("echo"))
    instance = start(settings={"MDLC_IMAGE_RECIPES": str(recipes)})
    before = set(processes("echo"))
    other = Serving(instance)
    other.endpoint(other.variant(other.model("echo")))
    assert set(processes("echo")) - before
    os.kill(instance.supervisor_pid, signal.SIGKILL)
    eventually(lambda: not set(processes("echo")) - before)
    instance.stop()
