"""Jobs at once, and stopped at any moment: each comes to an end along the documented states."""

from __future__ import annotations

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.conformance.sagemaker.conftest import Bucket, Jobs

REFERENCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"

pytestmark = pytest.mark.source(f"{REFERENCE}/API_DescribeTrainingJob.html")

AFTER = {
    "Starting": {"Downloading", "Stopping"},
    "Downloading": {"Training", "Stopping"},
    "Training": {"Uploading", "Stopping"},
    "Stopping": {"Uploading", "Stopped"},
    "Uploading": {"Stopping", "Stopped", "Completed"},
}


def test_jobs_do_not_mix(jobs: Jobs, bucket: Bucket) -> None:
    """Each of four jobs has its own files, names and log."""

    def train(number: int) -> tuple[int, bytes, list[str]]:
        described = jobs.train(
            """
            import json, os
            number = json.load(open("/opt/ml/input/config/hyperparameters.json"))["number"]
            assert os.listdir("/opt/ml/model") == [] and "mine" not in os.listdir("/tmp")
            open("/tmp/mine", "w").write(number)
            open("/opt/ml/model/number", "w").write(open("/tmp/mine").read())
            print("number", number)
            """,
            HyperParameters={"number": str(number)},
        )
        return number, jobs.model(described)["number"], jobs.log(described["TrainingJobName"])

    with ThreadPoolExecutor(4) as pool:
        for number, model, log in pool.map(train, range(4)):
            assert model == str(number).encode()
            assert log == [f"number {number}"]


def test_of_one_name_only_one_job_is_made(jobs: Jobs) -> None:
    request = jobs.training("pass")
    codes: list[str] = []

    def create() -> None:
        try:
            jobs.client.create_training_job(**request)
            codes.append("made")
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs.made.append(("Training", request["TrainingJobName"]))
    assert sorted(codes) == ["ResourceInUse"] * 5 + ["made"]
    assert jobs.over(request["TrainingJobName"])["TrainingJobStatus"] == "Completed"


@pytest.mark.source(f"{REFERENCE}/API_StopTrainingJob.html")
def test_a_job_may_be_stopped_at_any_moment(jobs: Jobs) -> None:
    chance, pause = random.Random(3), threading.Event()
    names = []
    for _ in range(12):
        names.append(jobs.start(jobs.training("open('/opt/ml/model/w', 'w').write('w')")))
        pause.wait(chance.random() * 0.15)
        try:
            jobs.client.stop_training_job(TrainingJobName=names[-1])
        except ClientError as error:
            assert "is in status Completed" in error.response["Error"]["Message"]  # noqa: PT017
    ends = set()
    for name in names:
        described = jobs.over(name)
        steps = [step["Status"] for step in described["SecondaryStatusTransitions"]]
        assert all(following in AFTER[step] for step, following in itertools.pairwise(steps)), steps
        assert described["TrainingJobStatus"] == steps[-1]
        assert "FailureReason" not in described
        ends.add(steps[-1])
    assert ends <= {"Completed", "Stopped"}
    assert "Stopped" in ends
