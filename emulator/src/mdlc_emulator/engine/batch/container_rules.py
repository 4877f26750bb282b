"""What containerProperties may say, and what of it this emulator does. Pure.

Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html and
https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mdlc_emulator.engine.batch.errors import invalid, not_here

LISTS = ("command", "volumes", "environment", "mountPoints", "ulimits", "resourceRequirements", "secrets")
"""Members that Batch returns as empty lists when nobody has given them."""

_USER = re.compile(r"[a-z0-9_][a-z0-9_-]{0,30}(:[a-z0-9_][a-z0-9_-]{0,30})?")
_SHORTEST_MEMORY = 4
# https://docs.aws.amazon.com/batch/latest/userguide/using_awslogs.html; the last two say how events wait
# for CloudWatch Logs, and here none waits.
_LOG_OPTIONS = frozenset(
    (
        "awslogs-region",
        "awslogs-group",
        "awslogs-stream-prefix",
        "awslogs-create-group",
        "mode",
        "max-buffer-size",
    )
)
_LINES = frozenset(("awslogs-datetime-format", "awslogs-multiline-pattern"))
# vCPU -> (least, most, step) MiB, and what else is allowed.
# https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
_FARGATE: dict[float, frozenset[int]] = {
    0.25: frozenset({512, 1024, 2048}),
    0.5: frozenset(range(1024, 4096 + 1, 1024)),
    1.0: frozenset(range(2048, 8192 + 1, 1024)),
    2.0: frozenset(range(4096, 16384 + 1, 1024)),
    4.0: frozenset(range(8192, 30720 + 1, 1024)),
    8.0: frozenset(range(16384, 61440 + 1, 4096)),
    16.0: frozenset(range(32768, 122880 + 1, 8192)),
}


def normal(properties: Mapping[str, Any]) -> dict[str, Any]:
    """`properties` as Batch keeps and returns them."""
    return {member: [] for member in LISTS} | dict(properties)


def check_container(properties: Mapping[str, Any], *, fargate: bool) -> None:
    """ClientException for what AWS refuses when it is registered, and for what is not done here."""
    if not properties.get("image"):
        raise invalid("Container properties must have an image")
    _check_not_done(properties)
    vcpus, memory = resources_of(properties)
    check_resources(vcpus, memory, fargate=fargate)
    check_environment(properties.get("environment") or ())
    user = properties.get("user")
    if user is not None and not _USER.fullmatch(user):
        raise invalid(f"User '{user}' does not match regex")
    _check_volumes(properties, fargate=fargate)
    _check_logs(properties.get("logConfiguration"), fargate=fargate)
    if fargate:
        _check_fargate(properties)
    else:
        for member in ("networkConfiguration", "fargatePlatformConfiguration", "ephemeralStorage"):
            if properties.get(member):
                raise invalid(f"{member} not applicable for EC2.")


def resources_of(properties: Mapping[str, Any]) -> tuple[float | None, int | None]:
    """(vCPU, memory in MiB), from resourceRequirements or from the older members; None where missing."""
    vcpus: float | None = properties.get("vcpus")
    memory: int | None = properties.get("memory")
    for each in properties.get("resourceRequirements") or ():
        kind, value = each["type"], each["value"]
        try:
            if kind == "VCPU":
                vcpus = _finite(value)
            elif kind == "MEMORY":
                memory = int(value)
        except ValueError:
            raise invalid(
                f"Resource requirement {kind} has the value '{value}', which is no number"
            ) from None
        if kind == "GPU":
            raise not_here("GPUs", "leave out the resource requirement GPU; the job runs on processors.")
    return vcpus, memory


def _finite(text: str) -> float:
    """ValueError also for what Python takes for a number and Batch does not: nan, inf."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def check_resources(vcpus: float | None, memory: int | None, *, fargate: bool) -> None:
    """ClientException unless a container says what it needs, in vCPU and MiB, and Fargate has that size."""
    if vcpus is None:
        raise invalid("Container properties must have a resource requirement of type VCPU")
    if memory is None:
        raise invalid("Container properties must have a resource requirement of type MEMORY")
    if memory < _SHORTEST_MEMORY:
        raise invalid(f"Container memory must be at least {_SHORTEST_MEMORY} MiB")
    if vcpus <= 0:
        raise invalid("Container vcpus must be greater than 0")
    if fargate:
        if memory not in _FARGATE.get(vcpus, ()):
            raise invalid(f"Fargate resource requirements ({vcpus:.2f} vCPU, {memory} MiB) not valid.")
    elif vcpus != int(vcpus):
        raise invalid("Container vcpus must be a whole number on EC2 resources")


def check_environment(variables: Iterable[Mapping[str, str]]) -> None:
    """ClientException for variables without a name, or with one that is kept for Batch's own."""
    for each in variables:
        name = each.get("name") or ""
        if not name:
            raise invalid("Environment variables must have a name")
        if name.startswith("AWS_BATCH"):
            raise invalid(
                f"Environment variable {name} must not start with AWS_BATCH: the prefix is reserved"
            )


def _check_not_done(properties: Mapping[str, Any]) -> None:
    linux = properties.get("linuxParameters") or {}
    platform = properties.get("runtimePlatform") or {}
    if properties.get("privileged"):
        raise not_here("privileged containers", "leave out `privileged`.")
    if properties.get("enableExecuteCommand"):
        raise not_here("ECS Exec", "leave out `enableExecuteCommand`.")
    for member in ("devices", "tmpfs"):
        if linux.get(member):
            raise not_here(
                f"linuxParameters.{member}", "leave it out; /tmp and /dev/shm are the container's own."
            )
    for member in ("maxSwap", "swappiness"):
        if linux.get(member) is not None:
            raise not_here(f"control of swap (linuxParameters.{member})", "leave it out.")
    if platform.get("operatingSystemFamily", "LINUX").upper() != "LINUX":
        raise not_here("Windows containers", "use the operating system family LINUX.")


def _check_volumes(properties: Mapping[str, Any], *, fargate: bool) -> None:
    names: set[str] = set()
    for volume in properties.get("volumes") or ():
        name = volume.get("name")
        if not name:
            raise invalid("Volumes must have a name")
        if name in names:
            raise invalid(f"Volume name {name} is not unique")
        names.add(name)
        for member in ("efsVolumeConfiguration", "s3filesVolumeConfiguration"):
            if volume.get(member):
                raise not_here(f"{member}", f"give volume {name} a host.sourcePath of this machine, or none.")
        source = (volume.get("host") or {}).get("sourcePath")
        if source and fargate:
            raise invalid("host.sourcePath is not applicable for Fargate.")
        if source and not source.startswith("/"):
            raise invalid(f"The sourcePath of volume {name} must be absolute")
    for mount in properties.get("mountPoints") or ():
        if mount.get("sourceVolume") not in names:
            raise invalid(f"Mount point names the unknown volume {mount.get('sourceVolume')}")
        if not (mount.get("containerPath") or "").startswith("/"):
            raise invalid("The containerPath of a mount point must be absolute")


def _check_logs(configuration: Mapping[str, Any] | None, *, fargate: bool) -> None:
    if not configuration:
        return
    driver = configuration["logDriver"]
    if driver != "awslogs":
        raise not_here(f"log driver {driver}", "use awslogs, or leave out logConfiguration.")
    for option in configuration.get("options") or ():
        if option in _LINES:
            raise not_here(f"log option {option}", "leave it out: a line is an event.")
        if option not in _LOG_OPTIONS:
            raise invalid(f"unknown log opt '{option}' for awslogs log driver")
    if configuration.get("secretOptions"):
        raise invalid("secretOptions are not applicable for the log driver awslogs")


def _check_fargate(properties: Mapping[str, Any]) -> None:
    if not properties.get("executionRoleArn"):
        raise invalid("executionRoleArn is required for Fargate")
    for member in ("ulimits", "instanceType"):
        if properties.get(member):
            raise invalid(f"{member} is not applicable for Fargate.")
    linux = properties.get("linuxParameters") or {}
    if linux.get("sharedMemorySize") is not None:
        raise invalid("sharedMemorySize is not applicable for Fargate.")
