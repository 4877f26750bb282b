"""What jobs of AWS can do and those of the emulator cannot is refused at once, with a way out."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import (  # noqa: F401 - fixtures
    MACHINE,
    Bucket,
    Jobs,
    Members,
    bucket,
    error_of,
    jobs,
    sagemaker_role,
)

WORDS = "The emulator does not support "
RULE = {"RuleConfigurationName": "loss", "RuleEvaluatorImage": "rules:1"}


def channel(uri: str, **changes: Any) -> Members:
    source = {"S3DataType": changes.pop("S3DataType", "S3Prefix"), "S3Uri": uri}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}} | changes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"InputMode": "Pipe"}, "input mode Pipe"),
        ({"RecordWrapperType": "RecordIO"}, "RecordWrapperType RecordIO"),
        ({"S3DataType": "AugmentedManifestFile"}, "S3DataType AugmentedManifestFile"),
        (
            {
                "DataSource": {
                    "FileSystemDataSource": {
                        "FileSystemId": "fs-12345678",
                        "FileSystemAccessMode": "ro",
                        "FileSystemType": "EFS",
                        "DirectoryPath": "/",
                    }
                }
            },
            "FileSystemDataSource",
        ),
    ],
)
def test_channels(jobs: Jobs, bucket: Bucket, changes: Members, words: str) -> None:  # noqa: F811
    request = jobs.training(channels=[channel(bucket.put("refused/a", "1"), **changes)])
    with pytest.raises(ClientError) as raised:
        jobs.client.create_training_job(**request)
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert message.startswith(WORDS + words)
    assert message.count(". ") >= 1, "a way out follows"


@pytest.mark.parametrize(
    "changes",
    [
        {"DebugRuleConfigurations": [RULE]},
        {"ProfilerRuleConfigurations": [RULE]},
        {"TensorBoardOutputConfig": {"S3OutputPath": "s3://bucket/tensorboard"}},
        {
            "DebugHookConfig": {
                "S3OutputPath": "s3://b/d",
                "CollectionConfigurations": [{"CollectionName": "x"}],
            }
        },
        {"RemoteDebugConfig": {"EnableRemoteDebug": True}},
        {"EnableNetworkIsolation": True, "ResourceConfig": MACHINE | {"InstanceCount": 2}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_training(jobs: Jobs, changes: Members) -> None:  # noqa: F811
    request = jobs.training(**changes)
    with pytest.raises(ClientError) as raised:
        jobs.client.create_training_job(**request)
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert message.startswith(WORDS)
    with pytest.raises(ClientError):
        jobs.client.describe_training_job(TrainingJobName=request["TrainingJobName"])


def test_an_empty_debugger_hook_asks_for_nothing(jobs: Jobs, bucket: Bucket) -> None:  # noqa: F811
    """SDKs send one unasked."""
    hook = {"S3OutputPath": bucket.uri("debug"), "CollectionConfigurations": []}
    described = jobs.train("pass", DebugHookConfig=hook, ProfilerConfig={"S3OutputPath": bucket.uri("debug")})
    assert described["TrainingJobStatus"] == "Completed"
    assert described["ProfilingStatus"] == "Disabled"


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        (
            {
                "InputName": "rows",
                "DatasetDefinition": {
                    "LocalPath": "/opt/ml/processing/rows",
                    "AthenaDatasetDefinition": {
                        "Catalog": "c",
                        "Database": "d",
                        "QueryString": "select 1",
                        "OutputS3Uri": "s3://bucket/x",
                        "OutputFormat": "PARQUET",
                    },
                },
            },
            None,
            "DatasetDefinition",
        ),
        (
            {
                "InputName": "rows",
                "S3Input": {
                    "S3Uri": "s3://bucket/x",
                    "LocalPath": "/opt/ml/processing/rows",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "Pipe",
                },
            },
            None,
            "S3InputMode Pipe",
        ),
        (
            None,
            {
                "OutputName": "features",
                "FeatureStoreOutput": {"FeatureGroupName": "group"},
                "AppManaged": True,
            },
            "FeatureStoreOutput",
        ),
    ],
    ids=["Athena", "Pipe", "feature store"],
)
def test_processing(
    jobs: Jobs,  # noqa: F811
    inputs: Members | None,
    outputs: Members | None,
    words: str,
) -> None:
    request = jobs.processing(inputs=[inputs] if inputs else [], outputs=[outputs] if outputs else None)
    with pytest.raises(ClientError) as raised:
        jobs.client.create_processing_job(**request)
    code, message = error_of(raised)
    assert code == "ValidationException"
    assert message.startswith(WORDS + words)
