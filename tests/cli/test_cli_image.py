"""`mdlc image`: which images run here, and building the jobs' own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from cli.exits import MdlcError
from cli.image_bundle import bundle
from cli.image_codebuild import CodeBuild, Place, place

ROOT = Path(__file__).parents[2]
MDLC = Path(sys.executable).with_name("mdlc")
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def mdlc(
    *arguments: str, directory: Path = ROOT, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MDLC_"))}
    return subprocess.run(
        [str(MDLC), "image", *arguments],
        env=kept | dict(variables or {}),
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_list_names_the_project_s_image_and_the_published_ones() -> None:
    images = {one["image"]: one for one in json.loads(mdlc("list", "--json").stdout)["images"]}
    assert images["mdlc-*-jobs"]["origin"].endswith("mdlc-images.toml:4")
    assert images["sagemaker-xgboost"]["runs"].startswith("xgboost 3.")
    assert images["kmeans"]["remark"]
    assert all(one["runnable"] for one in images.values())
    words = mdlc("list").stdout
    assert all(name in words for name in images)


def test_with_all_it_names_those_that_cannot_run_with_the_reason() -> None:
    images = {one["image"]: one for one in json.loads(mdlc("list", "--all", "--json").stdout)["images"]}
    assert len(images) > 90
    assert images["tensorflow-training"]["remark"] == "TensorFlow is in none of the emulator's environments"
    assert not images["object2vec"]["runnable"]


def test_resolving_says_what_runs_and_how_it_differs() -> None:
    said = json.loads(mdlc("resolve", XGBOOST, "--json").stdout)
    assert said["version"] == "1.7-1"
    assert said["environment"] == "installed"
    assert said["commands"]["train"][-2:] == ["mdlc_emulator.scripts.train", "xgboost"]
    assert "newer version" in said["difference"]
    assert "python -m app.jobs train" in mdlc("resolve", "mdlc-dev-jobs").stdout


def test_an_unknown_image_is_a_failure_with_the_way_out(tmp_path: Path) -> None:
    done = mdlc("resolve", "churn:7", directory=tmp_path)
    assert done.returncode == 1
    assert (
        'mdlc-images.toml in the directory where the emulator is started, [[image]] with uri = "churn"'
        in (done.stderr)
    )


def test_a_recipe_file_that_is_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mdlc-images.toml").write_text('[[image]]\nuri = "churn"\ntrian = ["x"]\n')
    for arguments in (("list",), ("resolve", XGBOOST)):
        done = mdlc(*arguments, directory=tmp_path)
        assert done.returncode == 1
        assert "mdlc-images.toml:3: trian is unknown: did you mean train?" in done.stderr
    doctor = subprocess.run([str(MDLC), "doctor"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "note     Image recipes: " in doctor.stdout
    assert "mdlc-images.toml:3: trian is unknown" in doctor.stdout


def test_the_doctor_lists_environments_and_recipes() -> None:
    done = subprocess.run(
        [str(MDLC), "doctor", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    for name in ("guest", "models", "algorithms"):
        assert findings[f"Packages: {name}"]["verdict"] == "ok"
    assert "mdlc-*-jobs" in findings["Image recipes"]["detail"]


# ---- building by a program of this machine -----------------------------------------------------------------


@pytest.fixture
def builders(tmp_path: Path) -> Path:
    """A directory that is the whole PATH, but for what runs `mdlc` itself."""
    directory = tmp_path / "bin"
    directory.mkdir()
    return directory


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def build(builders: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return mdlc("build", *arguments, variables={"PATH": str(builders)})


def test_without_a_builder_it_says_of_each_why_and_where_else_to_build(builders: Path) -> None:
    program(builders, "docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    done = build(builders)
    assert done.returncode == 5
    assert (
        "docker does not answer (Cannot connect to the Docker daemon); podman is not installed" in done.stderr
    )
    assert "mdlc image build --stage dev --with codebuild" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "platforms", "expected"),
    [
        ("docker", ["linux/amd64"], "build --platform linux/amd64 --tag IMAGE ."),
        ("docker", ["linux/amd64", "linux/arm64"], "build --platform linux/amd64,linux/arm64 --tag IMAGE ."),
        ("podman", ["linux/arm64"], "build --platform linux/arm64 --tag IMAGE ."),
        (
            "podman",
            ["linux/amd64", "linux/arm64"],
            "build --platform linux/amd64,linux/arm64 --manifest IMAGE .",
        ),
        ("buildah", ["linux/amd64"], "build --platform linux/amd64 --tag IMAGE ."),
        ("nerdctl", ["linux/amd64"], "build --platform linux/amd64 --tag IMAGE ."),
    ],
)
def test_a_builder_gets_the_command_that_is_shown(
    builders: Path, tmp_path: Path, name: str, platforms: list[str], expected: str
) -> None:
    """The builder is a stand-in that records: whether the line builds is for a machine that has one."""
    program(
        builders, name, f'if [ "$1" = build ]; then echo "$@" > {tmp_path}/asked; pwd >> {tmp_path}/asked; fi'
    )
    asked = [option for platform in platforms for option in ("--platform", platform)]
    done = build(builders, "--json", *asked)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["built_by"] == name
    line, directory = (tmp_path / "asked").read_text().splitlines()
    assert line == expected.replace("IMAGE", report["image"])
    assert Path(directory) == ROOT
    assert report["image"].startswith("mdlc-local-jobs:")
    assert f"{name} {line}" in done.stderr


def test_a_builder_that_fails_is_a_failure(builders: Path) -> None:
    program(builders, "podman", '[ "$1" = build ] && exit 125; exit 0')
    done = build(builders, "--with", "podman")
    assert done.returncode == 1
    assert "podman ended with 125" in done.stderr


def test_codebuild_belongs_to_aws(builders: Path) -> None:
    done = build(builders, "--with", "codebuild")
    assert done.returncode == 2
    assert "the emulator has no CodeBuild: name a stage on AWS" in done.stderr


# ---- building on AWS ---------------------------------------------------------------------------------------

WHERE = Place(
    "mdlc-dev-job-image",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mdlc-dev-jobs",
    "mdlc-dev-raw-123456789012-eu-west-1",
    "arn:aws:iam::123456789012:role/mdlc-dev-image-build",
)
LOGS = {"groupName": "/aws/codebuild/mdlc-dev-job-image", "streamName": "b1", "deepLink": "https://logs"}


class Aws:
    """Clients whose requests are checked against botocore's models and answered in the order written down."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubs: dict[str, Stubber] = {}

    def __call__(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,  # type: ignore[call-overload]
                region_name="eu-west-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            self.stubs[service] = Stubber(self.clients[service])
            self.stubs[service].activate()
        return self.clients[service]

    def expect(self, service: str, operation: str, answer: dict[str, Any], **asked: Any) -> None:
        self(service)
        self.stubs[service].add_response(operation, answer, asked or None)

    def refuse(self, service: str, operation: str, code: str) -> None:
        self(service)
        self.stubs[service].add_client_error(operation, code)

    def done(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


def started(aws: Aws, kind: str, **variables: str) -> None:
    aws.expect(
        "codebuild",
        "start_build",
        {"build": {"id": "p:1", "buildStatus": "IN_PROGRESS"}},
        projectName=WHERE.project,
        sourceLocationOverride=f"{WHERE.bucket}/_builds/{WHERE.project}-0123.zip",
        environmentTypeOverride=kind,
        imageOverride=ANY,
        environmentVariablesOverride=[
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
        ],
    )


def finished(aws: Aws, status: str, *lines: str, **more: Any) -> None:
    build = {"id": "p:1", "buildStatus": status, "logs": LOGS, **more}
    aws.expect("codebuild", "batch_get_builds", {"builds": [build]}, ids=["p:1"])
    events = [{"message": f"{line}\n"} for line in lines]
    place = {"logGroupName": LOGS["groupName"], "logStreamName": LOGS["streamName"]}
    aws.expect(
        "logs", "get_log_events", {"events": events, "nextForwardToken": "f"}, **place, startFromHead=True
    )
    aws.expect("logs", "get_log_events", {"events": [], "nextForwardToken": "f"}, **place, nextToken="f")


def test_codebuild_gets_the_bundle_and_its_log_is_shown() -> None:
    aws = Aws()
    aws.expect(
        "s3", "put_object", {}, Bucket=WHERE.bucket, Key=f"_builds/{WHERE.project}-0123.zip", Body=b"zip"
    )
    aws.refuse("codebuild", "create_project", "ResourceAlreadyExistsException")
    aws.expect("codebuild", "update_project", {})
    base = "public.ecr.aws/docker/library/python:3.13-slim-trixie"
    started(aws, "ARM_CONTAINER", REPOSITORY=WHERE.repository, BASE=base, TAG="0123")
    finished(aws, "SUCCEEDED", "Step 1", "Step 2")
    lines: list[str] = []
    image = CodeBuild(aws, WHERE).build(b"zip", "0123", ["linux/arm64"], lines.append)
    assert image == f"{WHERE.repository}:0123"
    assert lines == ["Step 1", "Step 2"]
    aws.done()


def test_two_platforms_are_built_each_on_its_own_machine_and_joined() -> None:
    aws = Aws()
    aws.expect("s3", "put_object", {})
    aws.expect("codebuild", "create_project", {})
    base = "public.ecr.aws/docker/library/python:3.13-slim-trixie"
    started(aws, "LINUX_CONTAINER", REPOSITORY=WHERE.repository, BASE=base, TAG="0123-amd64")
    finished(aws, "SUCCEEDED")
    both = {"MANIFEST": "0123", "MANIFEST_OF": "0123-amd64 0123-arm64"}
    started(aws, "ARM_CONTAINER", REPOSITORY=WHERE.repository, BASE=base, TAG="0123-arm64", **both)
    finished(aws, "SUCCEEDED")
    CodeBuild(aws, WHERE).build(b"zip", "0123", ["linux/amd64", "linux/arm64"], lambda _: None)
    aws.done()


def test_a_build_that_fails_names_its_phase() -> None:
    aws = Aws()
    aws.expect("s3", "put_object", {})
    aws.expect("codebuild", "create_project", {})
    base = "public.ecr.aws/docker/library/python:3.13-slim-trixie"
    started(aws, "LINUX_CONTAINER", REPOSITORY=WHERE.repository, BASE=base, TAG="0123")
    phases = [
        {"phaseType": "PRE_BUILD", "phaseStatus": "SUCCEEDED"},
        {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"message": "exit status 1"}]},
    ]
    finished(aws, "FAILED", "no space", phases=phases)
    lines: list[str] = []
    with pytest.raises(MdlcError, match=r"linux/amd64 is FAILED in phase BUILD \(exit status 1\)"):
        CodeBuild(aws, WHERE).build(b"zip", "0123", ["linux/amd64"], lines.append)
    assert lines == ["no space"]


@pytest.mark.parametrize(("code", "exists"), [(None, True), ("ImageNotFoundException", False)])
def test_an_image_that_is_there_is_not_built_again(code: str | None, exists: bool) -> None:
    aws = Aws()
    if code:
        aws.refuse("ecr", "describe_images", code)
    else:
        asked = {"repositoryName": "mdlc-dev-jobs", "imageIds": [{"imageTag": "0123"}]}
        aws.expect("ecr", "describe_images", {"imageDetails": []}, **asked)
    assert CodeBuild(aws, WHERE).exists("0123") is exists


def test_a_stack_without_jobs_is_told_how_to_get_them() -> None:
    with pytest.raises(MdlcError, match=r"has no JobImagesUri: deploy it with --subnets"):
        place("mdlc-dev", {"RawBucket": "x"}, "p")


def test_the_bundle_holds_what_the_dockerfile_needs_and_the_buildspec() -> None:
    with zipfile.ZipFile(BytesIO(bundle(ROOT))) as packed:
        names = set(packed.namelist())
        assert packed.read("buildspec.yml") == (ROOT / "workflows/buildspec.yml").read_bytes()
    assert {"Dockerfile", "uv.lock", "pyproject.toml", "emulator/pyproject.toml", "app/main.py"} <= names
    assert not {
        name for name in names if name.startswith((".git/", "cli/", "tests/")) or "__pycache__" in name
    }
