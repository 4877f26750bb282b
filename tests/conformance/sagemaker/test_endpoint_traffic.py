"""Several variants of one endpoint: weights, shadows, sizes, and what is captured of their traffic."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import error_of
from tests.conformance.sagemaker.serving import Serving, serving
from tests.waiting import eventually

__all__ = ["serving"]

WEIGHTS = "https://docs.aws.amazon.com/sagemaker/latest/dg/model-ab-testing.html"
UPDATE = (
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html"
)
CAPTURE = "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html"
SHADOW = "https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html"
CONFIG = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html"


@pytest.fixture(scope="module")
def endpoint(serving: Serving) -> str:
    """Variants a and b with weights 3 and 1."""
    return serving.endpoint(
        serving.config(
            serving.variant(serving.model(name="a"), VariantName="a", InitialVariantWeight=3),
            serving.variant(serving.model(name="b"), VariantName="b", InitialVariantWeight=1),
        )
    )


def shares(serving: Serving, endpoint: str, number: int) -> Counter[str]:
    return Counter(serving.invoke(endpoint)["InvokedProductionVariant"] for _ in range(number))


@pytest.mark.source(WEIGHTS)
def test_weights_are_shares_of_the_traffic(serving: Serving, endpoint: str) -> None:
    assert shares(serving, endpoint, 40) == {"a": 30, "b": 10}


@pytest.mark.source(WEIGHTS)
def test_a_target_variant_takes_the_request_whatever_its_weight(serving: Serving, endpoint: str) -> None:
    answers = {serving.invoke(endpoint, TargetVariant="b")["Body"] for _ in range(8)}
    assert answers == {"b:x"}


@pytest.mark.source(UPDATE)
def test_weights_and_counts_are_changed_in_service(serving: Serving, endpoint: str) -> None:
    serving.client.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 0},
            {"VariantName": "b", "DesiredWeight": 1, "DesiredInstanceCount": 2},
        ],
    )
    found = serving.client.describe_endpoint(EndpointName=endpoint)
    assert found["EndpointStatus"] == "Updating"
    found = serving.settled(endpoint)
    state = {
        one["VariantName"]: (one["CurrentWeight"], one["CurrentInstanceCount"])
        for one in found["ProductionVariants"]
    }
    assert state == {"a": (0, 1), "b": (1, 2)}
    assert shares(serving, endpoint, 10) == {"b": 10}
    with pytest.raises(ClientError) as raised:
        serving.client.update_endpoint_weights_and_capacities(
            EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": "none", "DesiredWeight": 1}]
        )
    assert error_of(raised)[0] == "ValidationException"
    assert '"none"' in error_of(raised)[1]


def lines(serving: Serving, prefix: str, number: int) -> list[dict[str, Any]]:
    """The captured records below a prefix, once there are so many; their keys are checked."""

    def found() -> list[dict[str, Any]] | None:
        keys = serving.bucket.below(prefix)
        for key in keys:
            assert re.fullmatch(re.escape(prefix) + r"\d{4}/\d\d/\d\d/\d\d/[\w-]+\.jsonl", key)
        records = [json.loads(line) for key in keys for line in serving.bucket.read(key).splitlines()]
        return records if len(records) >= number else None

    records = eventually(found)
    assert records is not None
    assert len(records) == number
    return records


def capture(serving: Serving, **members: Any) -> dict[str, Any]:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": serving.bucket.uri("captured"),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"],
            "JsonContentTypes": ["application/json"],
        },
    } | members


@pytest.mark.source(CAPTURE)
@pytest.mark.source(SHADOW)
def test_requests_and_answers_of_both_variants_are_captured(serving: Serving) -> None:
    config = serving.config(
        serving.variant(serving.model(name="prod"), VariantName="prod"),
        ShadowProductionVariants=[serving.variant(serving.model(name="shadow"), VariantName="shadow")],
        DataCaptureConfig=capture(serving),
    )
    endpoint = serving.endpoint(config)
    described = serving.client.describe_endpoint(EndpointName=endpoint)
    assert [one["VariantName"] for one in described["ShadowProductionVariants"]] == ["shadow"]
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    answer = serving.invoke(endpoint, "1,2", CustomAttributes="trace=7", InferenceId="id-1")
    assert answer["Body"] == "prod:1,2"
    serving.invoke(endpoint, b"\x01\x02", ContentType="application/octet-stream")
    (csv, binary) = sorted(
        lines(serving, f"captured/{endpoint}/prod/", 2),
        key=lambda one: "inferenceId" not in one["eventMetadata"],
    )
    assert csv["captureData"] == {
        "endpointInput": {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": "1,2",
            "encoding": "CSV",
        },
        "endpointOutput": {
            "observedContentType": answer["ContentType"],
            "mode": "OUTPUT",
            "data": "prod:1,2",
            "encoding": "CSV",
        },
    }
    assert csv["eventVersion"] == "0"
    metadata = csv["eventMetadata"]
    assert metadata["inferenceId"] == "id-1"
    assert metadata["customAttributes"] == ["trace=7"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["inferenceTime"])
    assert re.fullmatch(r"[0-9a-f-]{36}", metadata["eventId"])
    sent = binary["captureData"]["endpointInput"]
    assert (sent["encoding"], base64.b64decode(sent["data"])) == ("BASE64", b"\x01\x02")
    shadowed = lines(serving, f"captured/{endpoint}/shadow/", 2)
    outputs = {one["captureData"]["endpointOutput"]["data"] for one in shadowed}
    assert "shadow:1,2" in outputs
    assert {one["eventMetadata"]["eventId"] for one in shadowed} == {
        one["eventMetadata"]["eventId"] for one in (csv, binary)
    }


@pytest.mark.source(CONFIG)
def test_a_shadow_stands_beside_one_variant(serving: Serving) -> None:
    model = serving.model()
    variants = [serving.variant(model, VariantName=name) for name in ("a", "b")]
    with pytest.raises(ClientError) as raised:
        serving.config(*variants, ShadowProductionVariants=[serving.variant(model, VariantName="c")])
    assert error_of(raised)[0] == "ValidationException"
    with pytest.raises(ClientError) as raised:
        serving.config(variants[0], variants[0])
    assert error_of(raised)[0] == "ValidationException"
