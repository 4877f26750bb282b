"""The other jobs that a workflow waits for, and models that it asks."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

from .conftest import GUIDE, Workflows
from .sagemaker import IMAGE, bucket, execution_role, job

__all__ = ["bucket", "execution_role", "job"]

pytestmark = [
    pytest.mark.source(f"{GUIDE}/connect-sagemaker.html"),
    pytest.mark.source(f"{GUIDE}/supported-services-awssdk.html"),
]

ECHO = """
import json

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    text = data.decode() if isinstance(data, bytes) else data
    if content_type == "application/json":
        return json.dumps({"sum": sum(json.loads(text)["values"])}), "application/json"
    return text.upper(), "text/csv"
"""


@pytest.fixture
def model(
    aws: Aws, workflows: Workflows, bucket: str, execution_role: str, unique: Callable[[str], str]
) -> str:
    """A model that sums JSON and writes CSV in capitals, made by a workflow."""
    buffer, code = io.BytesIO(), ECHO.encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(code)
        tar.addfile(info, io.BytesIO(code))
    aws.client("s3").put_object(Bucket=bucket, Key="echo/model.tar.gz", Body=buffer.getvalue())
    name = unique("echo")
    parameters = {
        "ModelName": name,
        "ExecutionRoleArn": execution_role,
        "PrimaryContainer": {
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{bucket}/echo/model.tar.gz",
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        },
    }
    workflows.value(
        {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createModel", "Parameters": parameters}
    )
    return name


def test_a_processing_job(
    workflows: Workflows, aws: Aws, bucket: str, execution_role: str, unique: Callable[[str], str]
) -> None:
    name = unique("process")
    output = {
        "OutputName": "word",
        "S3Output": {
            "S3Uri": f"s3://{bucket}/word",
            "LocalPath": "/opt/ml/processing/word",
            "S3UploadMode": "EndOfJob",
        },
    }
    found = workflows.value(
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
            "Parameters": {
                "ProcessingJobName": name,
                "AppSpecification": {
                    "ImageUri": IMAGE,
                    "ContainerEntrypoint": ["/bin/sh", "-c", "echo done > /opt/ml/processing/word/word.txt"],
                },
                "ProcessingOutputConfig": {"Outputs": [output]},
                "ProcessingResources": {
                    "ClusterConfig": {
                        "InstanceType": "ml.m5.large",
                        "InstanceCount": 1,
                        "VolumeSizeInGB": 5,
                    }
                },
                "RoleArn": execution_role,
            },
        }
    )
    assert found["ProcessingJobStatus"] == "Completed"
    assert found["Tags"]["MANAGED_BY_AWS"] == "STARTED_BY_STEP_FUNCTIONS"
    stored = aws.client("s3").get_object(Bucket=bucket, Key="word/word.txt")["Body"].read()
    assert stored == b"done\n"


def test_a_tuning_job(
    workflows: Workflows, aws: Aws, job: Callable[..., dict[str, Any]], unique: Callable[[str], str]
) -> None:
    asked = job("unused")
    name = unique("tune")[:32]
    # The tuning API knows no entry point: the script is what the toolkit of the image starts.
    script = "import json, pathlib, sys\nx = sys.argv[sys.argv.index('--rate') + 1]\nprint(f'score={x};')\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("train.py")
        info.size = len(script)
        tar.addfile(info, io.BytesIO(script.encode()))
    place = asked["OutputDataConfig"]["S3OutputPath"].removeprefix("s3://").partition("/")[0]
    aws.client("s3").put_object(Bucket=place, Key="code/sourcedir.tar.gz", Body=buffer.getvalue())
    found = workflows.value(
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync",
            "Parameters": {
                "HyperParameterTuningJobName": name,
                "HyperParameterTuningJobConfig": {
                    "Strategy": "Grid",
                    "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
                    "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
                    "ParameterRanges": {
                        "CategoricalParameterRanges": [{"Name": "rate", "Values": ["1", "2"]}],
                    },
                },
                "TrainingJobDefinition": {
                    "AlgorithmSpecification": {
                        "TrainingImage": IMAGE,
                        "TrainingInputMode": "File",
                        "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*?);"}],
                    },
                    "StaticHyperParameters": {
                        "sagemaker_program": "train.py",
                        "sagemaker_submit_directory": f"s3://{place}/code/sourcedir.tar.gz",
                    },
                    **{
                        member: asked[member]
                        for member in ("RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
                    },
                },
            },
        },
    )
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["TrainingJobStatusCounters"]["Completed"] == 2
    best = found["BestTrainingJob"]
    assert best["TunedHyperParameters"]["rate"].strip('"') == "2"
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 2.0


def test_a_transform_job_and_an_endpoint(
    workflows: Workflows, aws: Aws, model: str, bucket: str, unique: Callable[[str], str]
) -> None:
    aws.client("s3").put_object(Bucket=bucket, Key="input/words.csv", Body=b"a\nb\n")
    name = unique("words")
    transform = {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {
            "ContentType": "text/csv",
            "SplitType": "Line",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/input"}},
        },
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/output", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    variant = {
        "VariantName": "one",
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    described = {"EndpointName": name}

    def task(resource: str, parameters: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Parameters": parameters,
        } | fields

    in_service = {"Variable": "$.EndpointStatus", "StringEquals": "InService", "Next": "Ask"}
    outcome = workflows.outcome(
        workflows.start(
            workflows.make(
                {
                    "StartAt": "Transform",
                    "States": {
                        "Transform": task(
                            "sagemaker:createTransformJob.sync", transform, Next="Configuration"
                        ),
                        "Configuration": task(
                            "sagemaker:createEndpointConfig",
                            {"EndpointConfigName": name, "ProductionVariants": [variant]},
                            Next="Deploy",
                        ),
                        "Deploy": task(
                            "sagemaker:createEndpoint",
                            {"EndpointName": name, "EndpointConfigName": name},
                            Next="Look",
                        ),
                        "Look": task("aws-sdk:sagemaker:describeEndpoint", described, Next="There?"),
                        "There?": {"Type": "Choice", "Choices": [in_service], "Default": "Look"},
                        "Ask": task(
                            "aws-sdk:sagemakerruntime:invokeEndpoint",
                            {
                                "EndpointName": name,
                                "ContentType": "application/json",
                                "Body": {"values": [1, 2, 39]},
                            },
                            End=True,
                        ),
                    },
                }
            )
        ),
        within=60,
    )
    assert outcome.status == "SUCCEEDED", outcome
    assert json.loads(outcome.output["Body"]) == {"sum": 42}
    assert outcome.output["InvokedProductionVariant"] == "one"
    stored = aws.client("s3").get_object(Bucket=bucket, Key="output/words.csv.out")["Body"].read()
    assert stored.decode().split() == ["A", "B"]
    aws.client("sagemaker").delete_endpoint(EndpointName=name)
    eventually(lambda: _gone(aws, name))


def _gone(aws: Aws, name: str) -> bool:
    try:
        aws.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError:
        return True
    return False


def test_an_error_of_the_runtime_has_its_name(workflows: Workflows) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sagemakerruntime:invokeEndpoint",
        "Parameters": {"EndpointName": "no-such-endpoint", "Body": {}, "ContentType": "application/json"},
    }
    outcome = workflows.run({"Ask": state})
    assert outcome.status == "FAILED"
    assert outcome.error in (
        "SageMakerRuntime.SageMakerRuntimeException",
        "SageMakerRuntime.ValidationErrorException",
    )
    assert "no-such-endpoint" in (outcome.cause or "")


@pytest.mark.parametrize(
    ("resource", "member"),
    [
        ("eventbridge:listRules", "Rules"),
        ("cloudwatchlogs:describeLogGroups", "LogGroups"),
        ("sfn:listActivities", "Activities"),
        ("sagemaker:listModels", "Models"),
    ],
)
def test_services_have_the_names_of_the_sdk_for_java(
    workflows: Workflows, resource: str, member: str
) -> None:
    found = workflows.value(
        {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{resource}", "Parameters": {}}
    )
    assert isinstance(found[member], list)
