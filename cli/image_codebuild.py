"""Building the job image on AWS: a bundle in the stage's raw bucket, a CodeBuild project, and a build whose
log is shown while it runs (https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cli.exits import MdlcError
from cli.output import wait_a_moment

BASE = "public.ecr.aws/docker/library/python:3.13-slim-trixie"
"""The same base image from AWS's own registry: no limit on anonymous pulls there."""
MACHINES = {
    "linux/amd64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
    "linux/arm64": ("ARM_CONTAINER", "aws/codebuild/amazonlinux-aarch64-standard:3.0"),
}
"""Each platform is built on a machine of its own kind:
https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html"""
PAUSE = 2.0
_RUNNING = "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Place:
    """What the stack made for builds: outputs JobImagesUri, RawBucket and ImageBuildRoleArn."""

    project: str
    repository: str
    bucket: str
    role: str


def place(stack: str, outputs: dict[str, str], project: str) -> Place:
    """Where to build. MdlcError when the stack was deployed without jobs."""
    try:
        return Place(project, outputs["JobImagesUri"], outputs["RawBucket"], outputs["ImageBuildRoleArn"])
    except KeyError as missing:
        raise MdlcError(
            f"The stack {stack} has no {missing.args[0]}: deploy it with --subnets and --security-groups."
        ) from None


class CodeBuild:
    """`client` gives boto3's client of a service."""

    def __init__(self, client: Callable[[str], Any], where: Place) -> None:
        self._client = client
        self._where = where

    def exists(self, tag: str) -> bool:
        """Whether the repository holds an image of this tag already: tags are digests and never change."""
        repository = self._where.repository.partition("/")[2]
        try:
            self._client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ImageNotFoundException":
                return False
            raise
        return True

    def build(self, source: bytes, tag: str, platforms: Sequence[str], show: Callable[[str], None]) -> str:
        """Upload, build each platform, join them; the image's name. `show` gets the log's lines. MdlcError
        with the phase that failed."""
        key = f"_builds/{self._where.project}-{tag}.zip"
        self._client("s3").put_object(Bucket=self._where.bucket, Key=key, Body=source)
        self._make_project(key)
        for number, platform in enumerate(platforms, 1):
            settings = {"REPOSITORY": self._where.repository, "BASE": BASE}
            own = [f"{tag}-{platform.rpartition('/')[2]}" for platform in platforms]
            if len(platforms) == 1:
                settings["TAG"] = tag
            else:
                settings["TAG"] = own[number - 1]
                if number == len(platforms):
                    settings |= {"MANIFEST": tag, "MANIFEST_OF": " ".join(own)}
            self._run(key, platform, settings, show)
        return f"{self._where.repository}:{tag}"

    def _make_project(self, key: str) -> None:
        wanted: dict[str, Any] = {
            "name": self._where.project,
            "description": "Builds the image of the project's jobs.",
            "source": {"type": "S3", "location": f"{self._where.bucket}/{key}"},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": MACHINES["linux/amd64"][0],
                "image": MACHINES["linux/amd64"][1],
                "computeType": "BUILD_GENERAL1_SMALL",
                # Docker in Docker.
                "privilegedMode": True,
            },
            "serviceRole": self._where.role,
            "timeoutInMinutes": 30,
        }
        client = self._client("codebuild")
        try:
            client.create_project(**wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
            client.update_project(**wanted)

    def _run(self, key: str, platform: str, settings: dict[str, str], show: Callable[[str], None]) -> None:
        kind, image = MACHINES[platform]
        client = self._client("codebuild")
        build: dict[str, Any] = client.start_build(
            projectName=self._where.project,
            sourceLocationOverride=f"{self._where.bucket}/{key}",
            environmentTypeOverride=kind,
            imageOverride=image,
            environmentVariablesOverride=[
                {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in settings.items()
            ],
        )["build"]
        log = _Log(self._client("logs"))
        while True:
            (build,) = client.batch_get_builds(ids=[build["id"]])["builds"]
            # Read the log after the status: nothing written before the end is missed.
            for line in log.more(build.get("logs", {})):
                show(line)
            if build["buildStatus"] != _RUNNING:
                break
            wait_a_moment(PAUSE)
        if build["buildStatus"] != "SUCCEEDED":
            raise MdlcError(
                f"The build for {platform} is {build['buildStatus']} in {_failed_phase(build)}: "
                f"its log is above and at {build.get('logs', {}).get('deepLink', 'CloudWatch')}."
            )


class _Log:
    """A build's log in CloudWatch, read on from where it was left."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._token: str | None = None

    def more(self, place: dict[str, Any]) -> Iterator[str]:
        """The lines written since the last time; none while the build has no log yet."""
        if "groupName" not in place or "streamName" not in place:
            return
        while True:
            on = {"nextToken": self._token} if self._token else {"startFromHead": True}
            try:
                page = self._client.get_log_events(
                    logGroupName=place["groupName"], logStreamName=place["streamName"], **on
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return
                raise
            for event in page["events"]:
                yield event["message"].rstrip("\n")
            # The same token again is how CloudWatch says that there is no more.
            last, self._token = self._token, page["nextForwardToken"]
            if self._token == last:
                return


def _failed_phase(build: dict[str, Any]) -> str:
    for phase in build.get("phases", ()):
        if phase.get("phaseStatus") not in (None, "SUCCEEDED"):
            said = "; ".join(context.get("message", "") for context in phase.get("contexts", ()))
            return f"phase {phase['phaseType']}" + (f" ({said})" if said.strip("; ") else "")
    return "an unnamed phase"


def outputs(client: Any, stack: str) -> dict[str, str]:
    """What the stack says of itself; {} when there is no such stack."""
    try:
        (described,) = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}
        raise
    return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", ())}
