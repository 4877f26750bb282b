"""Binary bodies both ways: what `binaryMediaTypes` makes of a request and of a response."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.apigateway.conftest import RestApi, rest_api

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/lambda-proxy-binary-media.html"
)

BYTES = bytes(range(256))
OUTPUT = {
    "statusCode": 200,
    "headers": {"Content-Type": "image/png"},
    "body": base64.b64encode(BYTES).decode(),
    "isBase64Encoded": True,
}


@pytest.fixture(scope="module")
def images(aws: Aws, echo: str) -> Iterator[RestApi]:
    """An API to which images are binary and nothing else is."""
    for made in rest_api(aws, binaryMediaTypes=["image/png", "audio/*"]):
        made.proxy("/echo", echo)
        made.deploy()
        yield made


@pytest.fixture(scope="module")
def anything(aws: Aws, echo: str) -> Iterator[RestApi]:
    """An API to which everything is binary."""
    for made in rest_api(aws, binaryMediaTypes=["*/*"]):
        made.proxy("/echo", echo)
        made.deploy()
        yield made


@pytest.mark.parametrize("kind", ["image/png", "audio/ogg", "IMAGE/PNG; x=y"])
def test_a_binary_body_reaches_the_function_in_base64(images: RestApi, kind: str):
    event = images.request("/echo", "POST", body=BYTES, headers={"Content-Type": kind}).json
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == BYTES


def test_a_body_of_another_type_reaches_the_function_as_text(images: RestApi):
    event = images.request(
        "/echo", "POST", body=b'{"a": 1}', headers={"Content-Type": "application/json"}
    ).json
    assert (event["isBase64Encoded"], event["body"]) == (False, '{"a": 1}')


def test_a_base64_response_is_decoded_for_a_client_that_accepts_the_type(images: RestApi):
    reply = images.answering("/echo", OUTPUT, headers={"Accept": "image/png"})
    assert reply.body == BYTES
    assert reply.headers["Content-Type"] == "image/png"


def test_only_the_first_type_that_a_client_accepts_counts(images: RestApi):
    first = images.answering("/echo", OUTPUT, headers={"Accept": "image/png, text/html"})
    second = images.answering("/echo", OUTPUT, headers={"Accept": "text/html, image/png"})
    assert first.body == BYTES
    assert second.body == base64.b64encode(BYTES)


def test_a_base64_response_stays_so_for_other_clients(images: RestApi):
    reply = images.answering("/echo", OUTPUT, headers={"Accept": "application/json"})
    assert reply.body == base64.b64encode(BYTES)


def test_any_type_makes_every_body_binary(anything: RestApi):
    event = anything.request("/echo", "POST", body=b"text", headers={"Content-Type": "text/plain"})
    assert event.json["isBase64Encoded"] is True
    assert anything.answering("/echo", OUTPUT, headers={"Accept": "text/html"}).body == BYTES


def test_a_response_without_the_flag_is_text_even_for_binary_types(anything: RestApi):
    assert anything.answering("/echo", {"statusCode": 200, "body": "aGVsbG8="}).body == b"aGVsbG8="
