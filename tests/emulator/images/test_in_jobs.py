"""Recipes at work: SageMaker's jobs in an emulator, run by what stands for their images."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.environments.algorithms import ALGORITHMS
from mdlc_emulator.launcher import start

from tests.emulator.images.wheels import wheel
from tests.waiting import eventually

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
BUCKET = "image-recipes"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


class Aws:
    """Clients, and jobs by as little as they need."""

    def __init__(self, endpoint: str) -> None:
        import boto3

        self._endpoint = endpoint
        self._session = boto3.Session("test", "test", region_name="us-east-1")
        self.sagemaker = self.client("sagemaker")
        self.s3 = self.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        made = self.client("iam").create_role(RoleName="recipes", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.role = made["Role"]["Arn"]

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)  # type: ignore[call-overload]

    def train(self, name: str, image: str, hyperparameters: dict[str, str] | None = None) -> dict[str, Any]:
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=self.role,
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
            HyperParameters=hyperparameters or {},
        )

        def over() -> dict[str, Any] | None:
            job = self.sagemaker.describe_training_job(TrainingJobName=name)
            return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        return eventually(over, within=90) or {}

    def model(self, job: dict[str, Any]) -> dict[str, str]:
        """The files of the job's model."""
        bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
        content = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            files = [member for member in packed.getmembers() if member.isfile()]
            return {Path(one.name).name: packed.extractfile(one).read().decode() for one in files}  # type: ignore[union-attr]

    def log(self, group: str, job: str) -> str:
        logs = self.client("logs")
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job)["logStreams"]
        return "\n".join(
            event["message"]
            for stream in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        )


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's repository with a recipe file and a container's code."""
    directory = tmp_path_factory.mktemp("churn")
    (directory / "code").mkdir()
    (directory / "code" / "fit.py").write_text(
        "import os, pathlib, sys\n"
        "said = ' '.join([*sys.argv[1:], os.environ['FLAVOUR'], pathlib.Path('here').read_text()])\n"
        "pathlib.Path('/opt/ml/model/said').write_text(said)\n"
    )
    (directory / "code" / "here").write_text("kept")
    (directory / "mdlc-images.toml").write_text(
        """
[[image]]
uri = "churn"
environment = "algorithms"
entrypoint = ["python", "/opt/program/fit.py"]
directory = "code"

[image.variables]
FLAVOUR = "plain"

[image.mounts]
"/opt/program" = "code"
"""
    )
    return directory / "mdlc-images.toml"


@pytest.fixture(scope="module")
def aws(recipes: Path) -> Iterator[Aws]:
    emulator = start(settings={"MDLC_IMAGE_RECIPES": str(recipes)})
    try:
        yield Aws(emulator.endpoint_url)
    finally:
        emulator.stop()


def upload(aws: Aws, key: str, files: dict[str, bytes]) -> dict[str, str]:
    """Put sourcedir.tar.gz into the bucket; the hyperparameters that name it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=content.getvalue())
    return {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/{key}"}


def test_a_script_s_requirements_are_installed_for_its_job_alone(aws: Aws) -> None:
    script = b"import os, spice; open(os.environ['SM_MODEL_DIR'] + '/word', 'w').write(spice.WORD)"
    given = upload(
        aws,
        "spiced.tar.gz",
        {
            "train.py": script,
            "requirements.txt": b"./spice-1.0-py3-none-any.whl\n",
            "spice-1.0-py3-none-any.whl": wheel("spice", "WORD = 'saffron'\n"),
        },
    )
    job = aws.train("spiced", SKLEARN, given)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert aws.model(job) == {"word": "saffron"}
    assert not list(ALGORITHMS.place().rglob("spice*"))
    # The next job has it no more.
    job = aws.train("bland", SKLEARN, upload(aws, "bland.tar.gz", {"train.py": script}))
    assert job["TrainingJobStatus"] == "Failed"
    assert "ModuleNotFoundError: No module named 'spice'" in aws.log("/aws/sagemaker/TrainingJobs", "bland")


def test_a_user_s_image_trains_by_its_recipe(aws: Aws) -> None:
    job = aws.train("churned", "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:7")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert aws.model(job) == {"said": "train plain kept"}


def test_an_image_without_a_recipe_fails_the_job_and_says_how_to_add_one(aws: Aws) -> None:
    job = aws.train("unknown", "123456789012.dkr.ecr.us-east-1.amazonaws.com/nobody:1")
    assert job["TrainingJobStatus"] == "Failed"
    assert (
        'add one to mdlc-images.toml in the directory where the emulator is started, [[image]] with uri = "'
        in (job["FailureReason"])
    )


def test_a_recipe_added_while_the_emulator_runs_is_found(aws: Aws, recipes: Path) -> None:
    with recipes.open("a") as file:
        file.write('\n[[image]]\nuri = "late"\ntrain = ["sh", "-c", "echo late > /opt/ml/model/said"]\n')
    job = aws.train("late", "late:1")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert aws.model(job) == {"said": "late\n"}


def test_the_project_s_job_image_runs_the_same_module_as_a_processing_job(aws: Aws) -> None:
    """By the recipe file of the directory that the emulator was started in: this project's own."""
    aws.sagemaker.create_processing_job(
        ProcessingJobName="checked",
        RoleArn=aws.role,
        AppSpecification={
            "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mdlc-local-jobs:1",
            "ContainerArguments": ["check"],
        },
        ProcessingResources={
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    )

    def over() -> dict[str, Any] | None:
        job: dict[str, Any] = aws.sagemaker.describe_processing_job(ProcessingJobName="checked")
        return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    job = eventually(over, within=90) or {}
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert '"deltalake"' in aws.log("/aws/sagemaker/ProcessingJobs", "checked")


FITS = """
import os, joblib, shutil
from sklearn.linear_model import LinearRegression

joblib.dump(LinearRegression().fit([[0], [1]], [1, 3]), os.environ["SM_MODEL_DIR"] + "/line.joblib")
code = os.environ["SM_MODEL_DIR"] + "/code"
os.makedirs(code)
shutil.copy("inference.py", code)
"""
PREDICTS = """
import joblib

def model_fn(model_dir):
    return joblib.load(model_dir + "/line.joblib")
"""


def test_what_a_script_trained_is_served_by_its_functions(aws: Aws) -> None:
    given = upload(aws, "line.tar.gz", {"train.py": FITS.encode(), "inference.py": PREDICTS.encode()})
    job = aws.train("line", SKLEARN, given)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    container = {
        "Image": SKLEARN,
        "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"],
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
    }
    variant = {"VariantName": "only", "ModelName": "line", "InitialInstanceCount": 1}
    variant["InstanceType"] = "ml.m5.large"
    aws.sagemaker.create_model(ModelName="line", ExecutionRoleArn=aws.role, PrimaryContainer=container)
    aws.sagemaker.create_endpoint_config(EndpointConfigName="line", ProductionVariants=[variant])
    aws.sagemaker.create_endpoint(EndpointName="line", EndpointConfigName="line")

    def over() -> dict[str, Any] | None:
        endpoint: dict[str, Any] = aws.sagemaker.describe_endpoint(EndpointName="line")
        return endpoint if endpoint["EndpointStatus"] in ("InService", "Failed") else None

    endpoint = eventually(over, within=90) or {}
    assert endpoint["EndpointStatus"] == "InService", endpoint.get("FailureReason")
    answer = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="line", Body=b"[[10], [20]]", ContentType="application/json", Accept="text/csv"
    )
    assert answer["ContentType"] == "text/csv"
    assert [round(float(line), 6) for line in answer["Body"].read().split()] == [21.0, 41.0]
