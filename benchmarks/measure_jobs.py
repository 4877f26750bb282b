"""SageMaker jobs: what a training job costs beyond its script, and how the API answers while four run."""

import contextlib
import io
import json
import random
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import boto3
from mdlc_emulator.environments.algorithms import ALGORITHMS

from benchmarks.clients import CREDENTIALS

PAIRS = 5
ROWS, COLUMNS = 40_000, 20
AT_ONCE = 4
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
"""Runs in the environment that the script has by hand too."""
SCRIPT = """
import os, sys
import numpy, xgboost

root, rounds, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = numpy.loadtxt(os.path.join(root, "input/data/train/rows.csv"), delimiter=",", dtype="float32")
data = xgboost.DMatrix(rows[:, 1:], rows[:, 0])
settings = {"objective": "binary:logistic", "max_depth": 6, "nthread": threads}
booster = xgboost.train(settings, data, rounds, evals=[(data, "train")])
booster.save_model(os.path.join(root, "model/model.ubj"))
"""

type Row = dict[str, Any]


def run(endpoint_url: str) -> list[Row]:
    """Rows for the report, measured with boto3 against `endpoint_url`; what is made is removed."""
    bench = _Bench(endpoint_url)
    with bench.prepared():
        return [*_overhead(bench), *_api(bench)]


class _Bench:
    """A bucket with the script and its rows, a role, and jobs on them."""

    def __init__(self, endpoint_url: str) -> None:
        session = boto3.Session(**CREDENTIALS)  # type: ignore[arg-type]
        self._s3, self._iam, self.sagemaker = (
            session.client(name, endpoint_url=endpoint_url) for name in ("s3", "iam", "sagemaker")
        )
        self._name = f"bench-{uuid.uuid4().hex[:8]}"
        self._rows = _rows()

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
        policy = {"Version": "2012-10-17", "Statement": [trust | {"Action": "sts:AssumeRole"}]}
        made = self._iam.create_role(RoleName=self._name, AssumeRolePolicyDocument=json.dumps(policy))
        self._role = made["Role"]["Arn"]
        self._s3.create_bucket(Bucket=self._name)
        self._s3.put_object(Bucket=self._name, Key="code/main.py", Body=SCRIPT)
        self._s3.put_object(Bucket=self._name, Key="train/rows.csv", Body=self._rows)
        try:
            yield
        finally:
            for each in self._s3.list_objects_v2(Bucket=self._name)["Contents"]:
                self._s3.delete_object(Bucket=self._name, Key=each["Key"])
            self._s3.delete_bucket(Bucket=self._name)
            self._iam.delete_role(RoleName=self._name)

    def start(self, rounds: int, threads: int) -> str:
        """Create a training job of the script; its name."""
        name = f"bench-{uuid.uuid4().hex[:12]}"
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            AlgorithmSpecification={
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python", "/opt/ml/input/data/code/main.py"],
                "ContainerArguments": ["/opt/ml", str(rounds), str(threads)],
            },
            RoleArn=self._role,
            InputDataConfig=[
                {
                    "ChannelName": channel,
                    "DataSource": {
                        "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self._name}/{channel}"}
                    },
                }
                for channel in ("code", "train")
            ],
            OutputDataConfig={"S3OutputPath": f"s3://{self._name}/output"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )
        return name

    def running(self, name: str) -> bool:
        """Whether the job still runs. RuntimeError when it has failed."""
        job = self.sagemaker.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] == "Failed":
            raise RuntimeError(job["FailureReason"])
        return bool(job["TrainingJobStatus"] != "Completed")

    def job(self, rounds: int, threads: int) -> float:
        """Seconds from the call that creates a job to its end."""
        since = time.perf_counter()
        name = self.start(rounds, threads)
        while self.running(name):
            time.sleep(0.02)
        return time.perf_counter() - since

    def by_hand(self, rounds: int, threads: int) -> float:
        """Seconds that the script takes when one starts it oneself, its data at hand."""
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "input" / "data" / "train").mkdir(parents=True)
            (Path(root) / "input" / "data" / "train" / "rows.csv").write_bytes(self._rows)
            (Path(root) / "model").mkdir()
            script = Path(root) / "main.py"
            script.write_text(SCRIPT)
            python = ALGORITHMS.place() / "bin" / "python"
            # As a job's processes do, it leaves the machine to whoever else wants it.
            command = ["nice", "-n", "10", str(python), str(script), root, str(rounds), str(threads)]
            since = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            return time.perf_counter() - since


def _rows() -> bytes:
    chance = random.Random(7)
    text = io.StringIO()
    for _ in range(ROWS):
        values = [chance.random() for _ in range(COLUMNS)]
        label = int(values[0] + values[1] * values[2] > 0.8)
        text.write(f"{label},{','.join(f'{value:.4f}' for value in values)}\n")
    return text.getvalue().encode()


def _overhead(bench: _Bench) -> list[Row]:
    """Job and hand in turn, so that both meet the same machine."""
    bench.job(2, 2)
    pairs = [(bench.job(30, 2), bench.by_hand(30, 2)) for _ in range(PAIRS)]
    hands = median(hand for _, hand in pairs)
    over = median(job - hand for job, hand in pairs)
    return [
        {"name": "training script by hand", "ours": hands, "unit": "s", "target": None, "stretch": None},
        {
            "name": "training job: beyond the same script by hand",
            "ours": over,
            "unit": "s",
            "target": 0.5,
            "stretch": 0.2,
        },
    ]


def _api(bench: _Bench) -> list[Row]:
    """One client asks all the while that four jobs train."""
    names = [bench.start(150, 1) for _ in range(AT_ONCE)]
    took: list[float] = []
    going = list(names)
    while going:
        for name in list(going):
            since = time.perf_counter()
            runs = bench.running(name)
            took.append((time.perf_counter() - since) * 1000)
            if not runs:
                going.remove(name)
            time.sleep(0.005)
    p99 = quantiles(took, n=100)[98]
    title = f"DescribeTrainingJob while {AT_ONCE} jobs train"
    return [
        {"name": f"{title}, p50", "ours": median(took), "unit": "ms", "target": None, "stretch": None},
        {"name": f"{title}, p99", "ours": p99, "unit": "ms", "target": 50.0, "stretch": 20.0},
        {"name": f"{title}, calls", "ours": float(len(took)), "unit": "", "target": None, "stretch": None},
    ]
