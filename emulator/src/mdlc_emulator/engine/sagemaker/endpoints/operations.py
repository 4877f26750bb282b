"""CreateEndpoint, DescribeEndpoint, ListEndpoints, UpdateEndpoint, UpdateEndpointWeightsAndCapacities,
DeleteEndpoint.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.endpoints import schedule
from mdlc_emulator.engine.sagemaker.endpoints.alarms import alarm_names, check_alarms
from mdlc_emulator.engine.sagemaker.endpoints.configs import endpoint_configs
from mdlc_emulator.engine.sagemaker.endpoints.deployment import (
    Deployment,
    create,
    delete,
    in_background,
    rescale,
)
from mdlc_emulator.engine.sagemaker.endpoints.endpoint import Endpoint, endpoints, fleet_of
from mdlc_emulator.engine.sagemaker.endpoints.fleet import Fleet
from mdlc_emulator.engine.sagemaker.jobs.quotas import INSTANCES, check_instances, counted
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.kernel.listing import Listing
from mdlc_emulator.engine.sagemaker.kernel.resource import Operation, Request, Response, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags, tag
from mdlc_emulator.engine.sagemaker.models.operations import models
from mdlc_emulator.engine.sagemaker.models.plan import NotServableError


def create_endpoint(caller: Caller, request: Request) -> Response:
    shelf = endpoints(caller)
    name = request["EndpointName"]
    shelf.refuse_existing(name)
    check_tags(request.get("Tags"))
    config = endpoint_configs(caller).get(request["EndpointConfigName"])
    members = copy.deepcopy(config.members)
    _check_models(caller, members)
    _check_quota(caller, members, None)
    if "DeploymentConfig" in request:
        _check_deployment(caller, request["DeploymentConfig"], members)
    endpoint = Endpoint(
        name,
        shelf.arn(name),
        caller,
        config_name=config.name,
        config=members,
        last_deployment=request.get("DeploymentConfig"),
    )
    tag(endpoint, request.get("Tags"))
    shelf.add(endpoint)
    endpoint.enter("Creating")
    in_background(endpoint, lambda: create(endpoint, _builder(endpoint, members)))
    return {"EndpointArn": endpoint.arn}


def _builder(endpoint: Endpoint, config: dict[str, Any]) -> Callable[[], Fleet]:
    def build() -> Fleet:
        try:
            return fleet_of(endpoint, config)
        except NotServableError as error:
            raise invalid(str(error)) from error

    return build


def _check_models(caller: Caller, config: dict[str, Any]) -> None:
    for variant in [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]:
        models(caller).get(variant["ModelName"])


def _check_quota(caller: Caller, config: dict[str, Any], replaced: Endpoint | None) -> None:
    """ResourceLimitExceeded: each instance is a model server of this machine. The setting
    MDLC_SAGEMAKER_ENDPOINT_INSTANCES says another number of them."""
    quota = int(os.environ.get("MDLC_SAGEMAKER_ENDPOINT_INSTANCES") or INSTANCES)
    others = (each for each in endpoints(caller) if each is not replaced and each.status != "Failed")
    used = counted(each for endpoint in others for each in _instances(endpoint.config))
    check_instances("endpoint", used, counted(_instances(config)), quota)


def _instances(config: dict[str, Any]) -> list[tuple[str, int]]:
    """(instance type, number) of each variant that is not serverless."""
    variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]
    return [
        (each["InstanceType"], each["InitialInstanceCount"]) for each in variants if "InstanceType" in each
    ]


def _check_deployment(caller: Caller, deployment: dict[str, Any], config: dict[str, Any]) -> None:
    instances = sum(variant.get("InitialInstanceCount", 1) for variant in config["ProductionVariants"])
    schedule.check(deployment, instances)
    check_alarms(caller, alarm_names(deployment))


def describe_endpoint(caller: Caller, request: Request) -> Response:
    return endpoints(caller).get(request["EndpointName"]).described()


_LISTING = Listing[Endpoint](
    "Endpoints",
    lambda endpoint: {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": moment(endpoint.created),
        "LastModifiedTime": moment(endpoint.modified),
        "EndpointStatus": endpoint.status,
    },
    orders={"Status": lambda endpoint: endpoint.status},
    filters={"StatusEquals": lambda endpoint, status: endpoint.status == status},
)


def list_endpoints(caller: Caller, request: Request) -> Response:
    return _LISTING.answer(endpoints(caller), request)


def _begin(endpoint: Endpoint, status: str) -> None:
    """Take the endpoint for a change. ValidationException unless it is in service."""
    with endpoint.lock:
        if endpoint.status in ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"):
            raise _in_progress(endpoint)
        if endpoint.status != "InService":
            raise invalid(
                f'Cannot update endpoint "{endpoint.arn}" in status {endpoint.status}: it can only '
                "be deleted."
            )
        endpoint.enter(status)


def _in_progress(endpoint: Endpoint) -> AwsError:
    return invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def update_endpoint(caller: Caller, request: Request) -> Response:
    endpoint = endpoints(caller).get(request["EndpointName"])
    config = endpoint_configs(caller).get(request["EndpointConfigName"])
    members = copy.deepcopy(config.members)
    excluded = [one["VariantPropertyType"] for one in request.get("ExcludeRetainedVariantProperties", ())]
    if excluded and not request.get("RetainAllVariantProperties"):
        raise invalid("ExcludeRetainedVariantProperties requires RetainAllVariantProperties to be true.")
    if request.get("RetainAllVariantProperties"):
        _retain(endpoint, members, excluded)
    _check_models(caller, members)
    _check_quota(caller, members, endpoint)
    deployment = request.get("DeploymentConfig")
    if deployment is None and request.get("RetainDeploymentConfig"):
        deployment = endpoint.last_deployment
    if deployment is not None:
        _check_deployment(caller, deployment, members)
    _begin(endpoint, "Updating")
    endpoint.last_deployment = deployment
    change = Deployment(endpoint, config.name, members, _builder(endpoint, members), deployment or {})
    in_background(endpoint, change.run)
    return {"EndpointArn": endpoint.arn}


def _retain(endpoint: Endpoint, config: dict[str, Any], excluded: list[str]) -> None:
    """Counts, weights and data capture of the endpoint as it is, in the place of the configuration's:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html"""
    current = endpoint.fleet.by_name if endpoint.fleet is not None else {}
    for variant in config["ProductionVariants"]:
        running = current.get(variant["VariantName"])
        if running is None:
            continue
        if "DesiredInstanceCount" not in excluded and "InitialInstanceCount" in variant:
            variant["InitialInstanceCount"] = running.desired_count
        if "DesiredWeight" not in excluded:
            variant["InitialVariantWeight"] = running.desired_weight
    if "DataCaptureConfig" not in excluded:
        config.pop("DataCaptureConfig", None)
        if "DataCaptureConfig" in endpoint.config:
            config["DataCaptureConfig"] = endpoint.config["DataCaptureConfig"]


def update_weights_and_capacities(caller: Caller, request: Request) -> Response:
    endpoint = endpoints(caller).get(request["EndpointName"])
    changes = {one["VariantName"]: one for one in request["DesiredWeightsAndCapacities"]}
    if len(changes) < len(request["DesiredWeightsAndCapacities"]):
        raise invalid("Duplicate variant names found in DesiredWeightsAndCapacities.")
    fleet = endpoint.fleet
    known = fleet.by_name if fleet is not None else {}
    if endpoint.status == "InService":
        if missing := sorted(set(changes) - set(known)):
            raise invalid(
                f'The variant name(s) "{", ".join(missing)}" is/are not present within endpoint '
                "configuration "
                f'"{endpoint.config_name}".'
            )
        wanted = copy.deepcopy(endpoint.config)
        for variant in wanted["ProductionVariants"]:
            change = changes.get(variant["VariantName"], {})
            count = change.get("DesiredInstanceCount")
            if count is not None:
                if "ServerlessConfig" in variant:
                    raise invalid("DesiredInstanceCount is not possible for a serverless variant.")
                if count < 1:
                    raise invalid("DesiredInstanceCount must be at least 1.")
                variant["InitialInstanceCount"] = count
            variant["InitialVariantWeight"] = change.get("DesiredWeight", variant["InitialVariantWeight"])
        _check_quota(caller, wanted, endpoint)
    _begin(endpoint, "Updating")
    for name, change in changes.items():
        known[name].desired_weight = change.get("DesiredWeight", known[name].weight)
    in_background(endpoint, lambda: rescale(endpoint, changes))
    return {"EndpointArn": endpoint.arn}


def delete_endpoint(caller: Caller, request: Request) -> Response:
    with STORE.lock:
        endpoint = endpoints(caller).get(request["EndpointName"])
        with endpoint.lock:
            if endpoint.status in ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"):
                raise _in_progress(endpoint)
            endpoint.enter("Deleting")

    def remove() -> None:
        endpoints(caller).remove(endpoint.name)
        delete(endpoint)

    in_background(endpoint, remove)
    return {}


OPERATIONS: dict[str, Operation] = {
    "CreateEndpoint": create_endpoint,
    "DescribeEndpoint": describe_endpoint,
    "ListEndpoints": list_endpoints,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_weights_and_capacities,
    "DeleteEndpoint": delete_endpoint,
}
