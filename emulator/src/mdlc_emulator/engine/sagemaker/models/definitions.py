"""The containers of a model: what CreateModel checks of their definitions, and what DescribeModel shows.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.checks import split_s3
from mdlc_emulator.engine.sagemaker.kernel.clients import client
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, unsupported
from mdlc_emulator.engine.sagemaker.kernel.resource import Request

MOST_CONTAINERS = 15
"""Of a pipeline: https://docs.aws.amazon.com/sagemaker/latest/dg/inference-pipelines.html"""


def checked_containers(caller: Caller, request: Request) -> dict[str, Any]:
    """PrimaryContainer or Containers of a CreateModel request as Describe shows them. ValidationException
    for what is wrong with them, before anything is made."""
    if ("PrimaryContainer" in request) == bool(request.get("Containers")):
        raise invalid("You must specify exactly one of PrimaryContainer and Containers.")
    if "PrimaryContainer" in request:
        return {"PrimaryContainer": _checked(caller, request["PrimaryContainer"])}
    definitions = request["Containers"]
    if len(definitions) > MOST_CONTAINERS:
        raise invalid(f"A model has at most {MOST_CONTAINERS} containers.")
    _check_host_names(definitions, request.get("InferenceExecutionConfig", {}).get("Mode", "Serial"))
    return {"Containers": [_checked(caller, definition) for definition in definitions]}


def _check_host_names(definitions: list[dict[str, Any]], mode: str) -> None:
    names = [
        definition["ContainerHostname"] for definition in definitions if "ContainerHostname" in definition
    ]
    if names and len(names) < len(definitions):
        raise invalid("ContainerHostname must be specified for all of the containers or for none of them.")
    if len(set(names)) < len(names):
        raise invalid("Duplicate ContainerHostname found: each container of a model needs a name of its own.")
    if mode == "Direct" and not names:
        raise invalid(
            "ContainerHostname is required of each container when the inference execution mode is Direct."
        )


def _checked(caller: Caller, definition: dict[str, Any]) -> dict[str, Any]:
    for member in ("AdditionalModelDataSources", "ContainerMetricsConfig"):
        if definition.get(member):
            raise unsupported(
                f"{member} of a container", "Leave it out, or put all data of the model into one archive."
            )
    if "Image" not in definition and "ModelPackageName" not in definition:
        raise invalid("You must specify an Image or a ModelPackageName for each container.")
    if "ModelPackageName" in definition:
        packaged = _of_package(caller, definition)
        definition = packaged | definition
    if (
        "ModelDataUrl" in definition
        and "ModelDataSource" in definition
        and "ModelPackageName" not in definition
    ):
        raise invalid("You cannot specify both ModelDataUrl and ModelDataSource for a container.")
    shown = {"Mode": "SingleModel"} | definition
    if shown["Mode"] == "MultiModel":
        _check_many(definition)
        return shown
    if "ModelDataUrl" in definition:
        url = definition["ModelDataUrl"]
        _require_object(caller, url)
        shown.setdefault(
            "ModelDataSource",
            {"S3DataSource": {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"}},
        )
    elif "ModelDataSource" in definition:
        _check_source(caller, definition["ModelDataSource"])
    return shown


def _check_many(definition: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html"""
    url = definition.get("ModelDataUrl")
    if url is None:
        raise invalid(
            "ModelDataUrl is required of a container whose Mode is MultiModel: the prefix of its models."
        )
    split_s3(url)


def _check_source(caller: Caller, source: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html"""
    found = source.get("S3DataSource")
    if found is None:
        raise invalid("ModelDataSource must specify S3DataSource.")
    if "HubAccessConfig" in found or "ManifestS3Uri" in found:
        raise unsupported("model data from a hub or a manifest", "Give the S3 location of the model's data.")
    if found["S3DataType"] == "S3Object":
        _require_object(caller, found["S3Uri"])
        return
    if found["CompressionType"] == "Gzip":
        raise invalid("CompressionType Gzip is only possible with S3DataType S3Object.")
    if not found["S3Uri"].endswith("/"):
        raise invalid(f"S3Uri {found['S3Uri']} of S3DataType S3Prefix must end with a forward slash (/).")
    bucket, prefix = split_s3(found["S3Uri"])
    s3 = client("s3", caller)
    try:
        if s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("KeyCount"):
            return
    except s3.exceptions.ClientError:
        pass
    raise _no_data(found["S3Uri"])


def _require_object(caller: Caller, url: str) -> None:
    bucket, key = split_s3(url)
    s3 = client("s3", caller)
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError:
        raise _no_data(url) from None


def _no_data(url: str) -> Exception:
    return invalid(f"Could not find model data at {url}.")


def _of_package(caller: Caller, definition: dict[str, Any]) -> dict[str, Any]:
    """What a package's first container says; AWS's error for a package that cannot be used."""
    from mdlc_emulator.engine.sagemaker.packages.sources import containers_of_package

    found = containers_of_package(
        caller, definition["ModelPackageName"], definition.get("InferenceSpecificationName")
    )
    if len(found) != 1:
        raise unsupported(
            "a model package of several containers", "List the containers with their images in CreateModel."
        )
    return dict(found[0])
