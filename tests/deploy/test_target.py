"""A stage never goes to the wrong place: each refusal is one sentence with the way out, and an exit code."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cli.exits import Exit
from tests.deploy.conftest import BIN
from tests.packaging.conftest import ROOT

DUMMY = {"AWS_ACCESS_KEY_ID": "000000000000", "AWS_SECRET_ACCESS_KEY": "test"}
NOTHING = "http://127.0.0.1:9"


def deploy(*arguments: str, cwd: Path = ROOT, **environment: str) -> tuple[int, str]:
    """Exit code and sentence of `mdlc deploy` in a shell that has only these variables."""
    bare = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [BIN / "mdlc", "deploy", "--json", *arguments],
        cwd=cwd, env=bare | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode
    assert "Traceback" not in done.stderr
    return done.returncode, told["error"]


@pytest.mark.parametrize(
    ("stage", "environment", "code", "says"),
    [
        ("dev", {"AWS_ENDPOINT_URL": NOTHING}, Exit.USAGE, 'unset it (`eval "$(mdlc env --unset)"`)'),
        ("prod", {"AWS_ENDPOINT_URL_S3": NOTHING}, Exit.USAGE, "AWS_ENDPOINT_URL_S3 is set"),
        ("dev", {}, Exit.LACKING, "needs AWS credentials and there are none: run `aws configure`"),
        ("dev", DUMMY, Exit.LACKING, "these are an emulator's"),
        ("dev", {**DUMMY, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"}, Exit.USAGE, "set AWS_DEFAULT_REGION"),
        (
            "local",
            {"AWS_ENDPOINT_URL": "https://lambda.us-east-1.amazonaws.com"},
            Exit.USAGE,
            "the stage local belongs to an emulator",
        ),
        ("local", {"AWS_ENDPOINT_URL": NOTHING}, Exit.NOTHING_RUNNING, "start an emulator with `mdlc up`"),
        ("stage", {}, Exit.USAGE, "There is no stage 'stage': choose one of local, dev, prod."),
    ],
)
def test_it_is_refused(stage: str, environment: dict[str, str], code: Exit, says: str) -> None:
    returned, sentence = deploy("--stage", stage, **environment)
    assert says in sentence
    assert returned == code


def test_jobs_need_both_of_their_networks_settings() -> None:
    assert "belong together" in deploy("--stage", "dev", "--subnets", "subnet-1")[1]


def test_jobs_are_made_or_taken_away_not_both() -> None:
    options = ("--subnets", "subnet-1", "--security-groups", "sg-1", "--without-jobs")
    assert "contradict" in deploy("--stage", "dev", *options)[1]


def test_a_network_of_jobs_is_nothing_for_the_emulator() -> None:
    options = ("--subnets", "subnet-1", "--security-groups", "sg-1")
    assert "has AWS Batch and no network" in deploy("--stage", "local", *options)[1]


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    code, sentence = deploy(cwd=tmp_path)
    assert code == Exit.USAGE
    assert "lies in no project" in sentence
