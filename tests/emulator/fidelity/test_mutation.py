"""The switch that replaces operations by canned replies is for tests of tests, and off otherwise."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.launcher import Instance, start


def replace(emulator: Instance, *operations: str) -> int:
    body = json.dumps({"operations": operations}).encode()
    request = Request(f"{emulator.endpoint_url}/_mdlc/mutation", data=body, method="PUT")
    with urlopen(request) as response:
        return int(response.status)


def test_without_its_setting_there_is_no_such_route(emulator: Instance) -> None:
    with pytest.raises(HTTPError, match="404"):
        replace(emulator, "sagemaker:CreateExperiment")


def test_a_replaced_operation_does_nothing_and_comes_back() -> None:
    emulator = start(settings={"MDLC_MUTATION": "1"})
    try:
        session = boto3.Session("000000000000", "test", region_name="us-east-1")
        client = session.client("sagemaker", endpoint_url=emulator.endpoint_url)
        assert replace(emulator, "sagemaker:CreateExperiment") == 204
        answer = client.create_experiment(ExperimentName="one")
        assert answer["ExperimentArn"].startswith("arn:aws:sagemaker:us-east-1:000000000000:")
        assert client.list_experiments()["ExperimentSummaries"] == []
        with pytest.raises(ClientError, match="failed to satisfy constraint"):
            client.create_experiment(ExperimentName="not a name")
        assert replace(emulator) == 204
        client.create_experiment(ExperimentName="two")
        [found] = client.list_experiments()["ExperimentSummaries"]
        assert found["ExperimentName"] == "two"
    finally:
        emulator.stop()
