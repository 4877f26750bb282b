"""The rest of AWS as jobs meet it: `ports.World` on this engine's own services."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError
from localstack import config
from localstack.aws.connect import connect_to

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.ports import Image, LogStream, StartError
from mdlc_emulator.engine.batch.valuefrom import SecretRef, parse, pick
from mdlc_emulator.engine.containers.logs import LogWriter
from mdlc_emulator.engine.logs.writing import Stream, store
from mdlc_emulator.engine.state_changes import Courier

GROUP = "/aws/batch/job"
"""Where jobs write when their definition says nothing else; made when it is missing."""
SESSION_SECONDS = 3000
INITIALIZATION = "ResourceInitializationError"


class EngineWorld:
    """Images by recipes, secrets, logs, roles and events by the services of this engine."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], tuple[float, dict[str, str]]] = {}
        self._courier = Courier("aws.batch")

    def image(self, uri: str) -> Image:
        from mdlc_emulator.images import resolve
        from mdlc_emulator.images.recipe import UnknownImage, Use

        try:
            recipe = resolve.resolve(uri)
            resolve.prepare(recipe)
            program = recipe.programs.get(Use.RUN)
        except (UnknownImage, RuntimeError) as error:
            raise StartError(f"CannotPullContainerError: {error}") from error
        if program is None:
            uses = ", ".join(sorted(each.value for each in recipe.programs))
            raise StartError(
                f"CannotStartContainerError: the image {uri} ({recipe.origin}) runs no jobs, only: {uses}."
            )
        return Image(
            tuple(program.command),
            tuple(program.arguments),
            dict(program.environment),
            tuple(program.path),
            tuple(program.mounts),
            program.working_directory,
        )

    def secret(self, caller: Caller, value_from: str) -> str:
        try:
            ref = parse(value_from, caller)
        except ValueError as error:
            raise _uninitialized(f"unable to pull secrets or registry auth: {error}") from error
        clients = connect_to(aws_access_key_id=ref.account, region_name=ref.region)
        try:
            if ref.service == "ssm":
                answer = clients.ssm.get_parameter(Name=ref.name, WithDecryption=True)
                return str(answer["Parameter"]["Value"])
            return _secret_value(clients.secretsmanager, ref)
        except ClientError as error:
            said = error.response["Error"]
            source = "ssm" if ref.service == "ssm" else "asm"
            raise _uninitialized(
                "unable to pull secrets or registry auth: execution resource retrieval failed: unable to "
                f"retrieve secret from {source}: {said.get('Code')}: {said.get('Message')} ({value_from})"
            ) from error
        except (ValueError, KeyError) as error:
            raise _uninitialized(f"unable to pull secrets or registry auth: {error}") from error

    def log_stream(self, caller: Caller, options: Mapping[str, str], name: str) -> LogStream:
        region = options.get("awslogs-region") or caller.region
        group = options.get("awslogs-group") or GROUP
        stream = Stream(caller.account, region, group, name)
        if group != GROUP and options.get("awslogs-create-group") != "true":
            _require_group(stream)
        store(stream, [])
        return _Lines(LogWriter(*stream))

    def surroundings(self, caller: Caller, role_arn: str | None) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": config.internal_service_url(),
            "AWS_REGION": caller.region,
            "AWS_DEFAULT_REGION": caller.region,
            **self._credentials(caller, role_arn),
        }

    def announce(
        self, caller: Caller, detail_type: str, arns: Sequence[str], detail: Callable[[], dict[str, Any]]
    ) -> None:
        self._courier.announce(
            caller, lambda: {"DetailType": detail_type, "Detail": detail(), "Resources": list(arns)}
        )

    def _credentials(self, caller: Caller, role_arn: str | None) -> dict[str, str]:
        """Those of the role, as the ECS agent hands them out; the account's own without one."""
        if role_arn is None:
            return {"AWS_ACCESS_KEY_ID": caller.account, "AWS_SECRET_ACCESS_KEY": "test"}
        key = (role_arn, caller.region)
        found = self._sessions.get(key)
        if found is None or found[0] < time.monotonic():
            found = (time.monotonic() + SESSION_SECONDS, _assume(caller, role_arn))
            self._sessions[key] = found
        return found[1]


class _Lines:
    """A log stream of ports, on the writer that all containers use."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def line(self, text: str) -> None:
        self._writer(text)

    def close(self) -> None:
        self._writer.close()


def _assume(caller: Caller, role_arn: str) -> dict[str, str]:
    parts = role_arn.split(":")
    account = parts[4] if len(parts) > 5 and parts[4] else caller.account
    clients = connect_to(aws_access_key_id=account, region_name=caller.region)
    refused = (
        f"ECS was unable to assume the role '{role_arn}' that was provided for this task. Please verify that "
        "the role being passed has the proper trust relationship and permissions and that your IAM user has "
        "permissions to pass this role."
    )
    try:
        clients.iam.get_role(RoleName=role_arn.rsplit("/", 1)[-1])
        made = clients.sts.assume_role(RoleArn=role_arn, RoleSessionName="batch")["Credentials"]
    except ClientError as error:
        raise StartError(refused, refused) from error
    return {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }


def _secret_value(client: Any, ref: SecretRef) -> str:
    which: dict[str, str] = {"SecretId": ref.name}
    if ref.stage:
        which["VersionStage"] = ref.stage
    if ref.version:
        which["VersionId"] = ref.version
    answer = client.get_secret_value(**which)
    text = answer.get("SecretString")
    if text is None:
        text = answer["SecretBinary"].decode()
    return pick(text, ref.key)


def _require_group(stream: Stream) -> None:
    clients = connect_to(aws_access_key_id=stream.account, region_name=stream.region)
    found = clients.logs.describe_log_groups(logGroupNamePrefix=stream.group)["logGroups"]
    if not any(each["logGroupName"] == stream.group for each in found):
        raise _uninitialized(
            "failed to validate logger args: create stream has been retried 1 times: failed to create "
            f"Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist: "
            f"{stream.group}"
        )


def _uninitialized(what: str) -> StartError:
    return StartError(f"{INITIALIZATION}: {what}", f"{INITIALIZATION}: {what}")
