"""Streams for the tests, removed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

TOP = 2**128 - 1


@pytest.fixture
def kinesis(aws: Aws) -> Any:
    return aws.client("kinesis")


@pytest.fixture
def stream(kinesis: Any, unique: Callable[[str], str]) -> Iterator[Callable[..., str]]:
    made: list[str] = []

    def make(**settings: Any) -> str:
        name = unique("stream")
        kinesis.create_stream(StreamName=name, **(settings or {"ShardCount": 1}))
        made.append(name)
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        return name

    yield make
    for name in made:
        kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def error(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


def shards(kinesis: Any, name: str, **more: Any) -> list[dict[str, Any]]:
    return list(kinesis.list_shards(StreamName=name, **more)["Shards"])
