"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
"""

from __future__ import annotations

from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.checks import check_role, split_s3
from mdlc_emulator.engine.sagemaker.kernel.errors import (
    already_existing,
    could_not_find,
    invalid,
    unsupported,
)
from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import (
    Kind,
    Operation,
    Request,
    Resource,
    Response,
    moment,
)
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.models.operations import models

ENDPOINT_CONFIG = Kind(
    "endpoint-config",
    could_not_find("endpoint configuration"),
    already_existing("endpoint configuration"),
)

_KEPT = (
    "ProductionVariants",
    "ShadowProductionVariants",
    "DataCaptureConfig",
    "KmsKeyId",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
    "MetricsConfig",
)

_REFUSED = {
    "AsyncInferenceConfig": "Leave it out and call InvokeEndpoint, or run a transform job.",
    "ExplainerConfig": "Leave it out; a processing job can explain predictions.",
    "CrossRegionTrafficConfig": "Leave it out: the endpoint is served by this machine alone.",
}

_REFUSED_OF_VARIANTS = {
    "InstancePools": "Give InstanceType and InitialInstanceCount.",
    "ManagedInstanceScaling": "Leave it out and set the number by UpdateEndpointWeightsAndCapacities.",
    "CoreDumpConfig": "Leave it out; the log of the endpoint has the server's output.",
    "CapacityReservationConfig": "Leave it out: instances are processes of this machine.",
    "AcceleratorPartitionLayouts": "Leave it out: there are no accelerators here.",
    "EnableSSMAccess": "Leave it out: a model's server is a process of this machine.",
    "AcceleratorType": "Leave it out: there are no accelerators here.",
}

_ROUTING = ("RANDOM", "LEAST_OUTSTANDING_REQUESTS")


def endpoint_configs(caller: Caller) -> Shelf[Resource]:
    """The caller's endpoint configurations."""
    return STORE.shelf(ENDPOINT_CONFIG, caller, Resource)


def create_endpoint_config(caller: Caller, request: Request) -> Response:
    shelf = endpoint_configs(caller)
    name = request["EndpointConfigName"]
    shelf.refuse_existing(name)
    check_tags(request.get("Tags"))
    for member, way_out in _REFUSED.items():
        if member in request:
            raise unsupported(member, way_out)
    for member in ("EnableEnhancedMetrics", "EnableDetailedObservability"):
        if request.get("MetricsConfig", {}).get(member):
            raise unsupported(f"{member} of MetricsConfig", "Leave it out: others are published.")
    members = {member: request[member] for member in _KEPT if request.get(member) is not None}
    variants = request["ProductionVariants"]
    shadows = request.get("ShadowProductionVariants", [])
    _check_names([*variants, *shadows])
    members["ProductionVariants"] = [_checked(caller, variant) for variant in variants]
    if shadows:
        _check_shadows(variants, shadows)
        members["ShadowProductionVariants"] = [_checked(caller, variant) for variant in shadows]
    if "DataCaptureConfig" in members:
        members["DataCaptureConfig"] = _checked_capture(members["DataCaptureConfig"])
    if "ExecutionRoleArn" in request:
        check_role(caller, request["ExecutionRoleArn"])
    config = Resource(name, shelf.arn(name), caller, members)
    tag(config, request.get("Tags"))
    shelf.add(config)
    _announce(config)
    return {"EndpointConfigArn": config.arn}


def _check_names(variants: list[dict[str, Any]]) -> None:
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) < len(names):
        raise invalid("Duplicate variant names found: each variant of an endpoint needs a name of its own.")


def _check_shadows(variants: list[dict[str, Any]], shadows: list[dict[str, Any]]) -> None:
    """One of each: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html"""
    if len(variants) != 1 or len(shadows) != 1:
        raise invalid(
            "An endpoint with a shadow variant has exactly one production variant and one shadow variant."
        )
    if "ServerlessConfig" in variants[0] or "ServerlessConfig" in shadows[0]:
        raise invalid("Shadow variants are not possible with serverless variants.")


def _checked(caller: Caller, variant: dict[str, Any]) -> dict[str, Any]:
    name = variant["VariantName"]
    for member, way_out in _REFUSED_OF_VARIANTS.items():
        if variant.get(member) and not (
            member == "ManagedInstanceScaling" and variant[member].get("Status") != "ENABLED"
        ):
            raise unsupported(f"{member} of variant {name}", way_out)
    routing = variant.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM")
    if routing not in _ROUTING:
        raise unsupported(f"routing strategy {routing} of variant {name}", f"Use {' or '.join(_ROUTING)}.")
    if "ModelName" not in variant:
        raise unsupported(
            f"inference components (variant {name} names no model)", "Give the variant a ModelName."
        )
    models(caller).get(variant["ModelName"])
    shown = {"InitialVariantWeight": 1.0} | variant
    if "ServerlessConfig" in variant:
        if "InstanceType" in variant or "InitialInstanceCount" in variant:
            raise invalid(
                f"Variant {name} specifies ServerlessConfig: InstanceType and InitialInstanceCount "
                "must not be "
                "specified with it."
            )
        _check_serverless(name, variant["ServerlessConfig"])
        return shown
    if "InstanceType" not in variant or "InitialInstanceCount" not in variant:
        raise invalid(
            f"Variant {name} must specify InstanceType and InitialInstanceCount, or ServerlessConfig."
        )
    return shown


def _check_serverless(name: str, config: dict[str, Any]) -> None:
    if config["MemorySizeInMB"] % 1024:
        raise invalid(f"MemorySizeInMB of variant {name} must be one of 1024, 2048, 3072, 4096, 5120, 6144.")
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise invalid(f"ProvisionedConcurrency of variant {name} must not exceed its MaxConcurrency.")


def _checked_capture(capture: dict[str, Any]) -> dict[str, Any]:
    split_s3(capture["DestinationS3Uri"])
    header = capture.get("CaptureContentTypeHeader", {})
    common = set(header.get("CsvContentTypes", ())) & set(header.get("JsonContentTypes", ()))
    if common:
        raise invalid(f"Content type {sorted(common)[0]} cannot be captured both as CSV and as JSON.")
    return {"EnableCapture": True} | capture


def _described(config: Resource) -> Response:
    return {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": config.arn,
        "CreationTime": moment(config.created),
        "EnableNetworkIsolation": False,
        **config.members,
    }


def describe_endpoint_config(caller: Caller, request: Request) -> Response:
    return _described(endpoint_configs(caller).get(request["EndpointConfigName"]))


_LISTING = Listing[Resource](
    "EndpointConfigs",
    lambda config: {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": config.arn,
        "CreationTime": moment(config.created),
    },
)


def list_endpoint_configs(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(endpoint_configs(caller), request)


def delete_endpoint_config(caller: Caller, request: Request) -> Response:
    _announce(endpoint_configs(caller).remove(request["EndpointConfigName"]))
    return {}


def _announce(config: Resource) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html"""
    announce(
        config.caller,
        "SageMaker Endpoint Config State Change",
        _described(config) | {"Tags": config.tags},
        [config.arn],
    )


OPERATIONS: dict[str, Operation] = {
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
    "DeleteEndpointConfig": delete_endpoint_config,
}
