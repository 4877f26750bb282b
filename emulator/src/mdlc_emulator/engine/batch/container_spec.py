"""The container of an attempt: what a job says, its image's recipe and Batch's variables, as one spec. Pure.

Source: https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.batch.model import Job
from mdlc_emulator.engine.batch.ports import Image, StartError
from mdlc_emulator.engine.containers.contract import ContainerSpec, Mount
from mdlc_emulator.images.recipe import variables


def build(
    job: Job, image: Image, secrets: Mapping[str, str], surroundings: Mapping[str, str], volumes: Path
) -> ContainerSpec:
    """`volumes` is a directory for the volumes that lie nowhere else. StartError for what cannot be shown."""
    container = job.container
    command = [*image.entrypoint, *(container["command"] or image.arguments)]
    if not command:
        raise StartError(
            f"CannotStartContainerError: neither the job nor the image {container['image']} has a command."
        )
    linux = container.get("linuxParameters") or {}
    return ContainerSpec(
        name=f"batch-{job.id}",
        command=command,
        environment=_environment(job, image, secrets, surroundings),
        mounts=[*_image_mounts(image), *_mounts(container, volumes)],
        working_directory=image.working_directory,
        host_name=f"batch-{job.id[:8]}",
        memory_mib=job.memory,
        cpus=job.vcpus,
        shared_memory_mib=linux.get("sharedMemorySize"),
        ulimits={
            each["name"]: (each["softLimit"], each["hardLimit"]) for each in container.get("ulimits") or ()
        },
        read_only_root=bool(container.get("readonlyRootFilesystem", False)),
        user=container.get("user"),
        background=True,
    )


def _environment(
    job: Job, image: Image, secrets: Mapping[str, str], surroundings: Mapping[str, str]
) -> dict[str, str]:
    own = variables(image.path, image.environment)
    given = {each["name"]: each.get("value") or "" for each in job.container["environment"]}
    return {**own, **surroundings, **given, **secrets, **batch_variables(job)}


def batch_variables(job: Job) -> dict[str, str]:
    """What Batch itself tells a job."""
    assert job.environment is not None
    found = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts) + 1),
        "AWS_BATCH_CE_NAME": job.environment.name,
        "AWS_BATCH_JQ_NAME": job.queue.name,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if job.environment.fargate else "AWS_ECS_EC2",
    }
    if job.parent is not None:
        found["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
        found["AWS_BATCH_JOB_ARRAY_SIZE"] = str(job.parent.size)
    return found


def _image_mounts(image: Image) -> list[Mount]:
    return [Mount(source, target) for source, target in image.mounts]


def _mounts(container: Mapping[str, Any], volumes: Path) -> list[Mount]:
    sources: dict[str, Path] = {}
    for number, volume in enumerate(container.get("volumes") or ()):
        given = (volume.get("host") or {}).get("sourcePath")
        if given is None:
            source = volumes / str(number)
            source.mkdir(parents=True)
        else:
            source = Path(given)
            if not source.exists():
                raise StartError(
                    f"CannotStartContainerError: volume {volume['name']} is {given}, which is not on this "
                    "machine: make it, or leave out host.sourcePath."
                )
        sources[volume["name"]] = source
    return [
        Mount(sources[each["sourceVolume"]], each["containerPath"], bool(each.get("readOnly", False)))
        for each in container.get("mountPoints") or ()
    ]
