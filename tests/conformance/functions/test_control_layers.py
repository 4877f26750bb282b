"""Layers: versions that are never reused, and listings."""

from collections.abc import Callable
from typing import Any

import pytest
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions, zipped

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_ListLayers.html")


def publish(client: Any, name: str, value: int, **settings: Any) -> dict[str, Any]:
    content = {"ZipFile": zipped({"python/value.py": f"VALUE = {value}\n"})}
    return dict(client.publish_layer_version(LayerName=name, Content=content, **settings))


def listed(client: Any, name: str, **options: Any) -> list[int]:
    """The newest version of a layer, as the listing has it."""
    pages = client.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 1}, **options)
    return [
        layer["LatestMatchingVersion"]["Version"]
        for page in pages
        for layer in page["Layers"]
        if layer["LayerName"] == name
    ]


def test_a_layer_is_listed_with_its_newest_version_until_it_has_none(
    aws: Aws, unique: Callable[[str], str]
) -> None:
    client, name, other = aws.client("lambda"), unique("layer"), unique("other")
    publish(client, other, 0)
    assert [publish(client, name, value)["Version"] for value in (1, 2)] == [1, 2]
    assert listed(client, name) == [2]
    client.delete_layer_version(LayerName=name, VersionNumber=2)
    assert listed(client, name) == [1]
    client.delete_layer_version(LayerName=name, VersionNumber=1)
    assert listed(client, name) == []
    assert publish(client, name, 3)["Version"] == 3
    assert listed(client, name) == [3]
    for layer, version in ((name, 3), (other, 1)):
        client.delete_layer_version(LayerName=layer, VersionNumber=version)


def test_a_listing_can_ask_for_a_runtime(aws: Aws, unique: Callable[[str], str]) -> None:
    client, name = aws.client("lambda"), unique("layer")
    publish(client, name, 1, CompatibleRuntimes=["python3.12"])
    publish(client, name, 2, CompatibleRuntimes=["python3.13"])
    assert listed(client, name, CompatibleRuntime="python3.12") == [1]
    assert listed(client, name, CompatibleRuntime="python3.13") == [2]
    assert listed(client, name, CompatibleRuntime="java21") == []
    for version in (1, 2):
        client.delete_layer_version(LayerName=name, VersionNumber=version)


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html")
def test_a_function_keeps_a_layer_version_that_was_deleted(
    aws: Aws, functions: Functions, unique: Callable[[str], str]
) -> None:
    client, name = aws.client("lambda"), unique("layer")
    arn = publish(client, name, 7)["LayerVersionArn"]
    function = functions.make(
        "import value\n\ndef handler(event, context):\n    return value.VALUE\n", Layers=[arn]
    )
    client.delete_layer_version(LayerName=name, VersionNumber=1)
    assert functions.invoke(function).payload == 7
    client.update_function_configuration(FunctionName=function, MemorySize=256)
    client.get_waiter("function_updated_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
    assert functions.invoke(function).payload == 7
