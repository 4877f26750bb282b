"""An endpoint: its record, what is serving for it, and how Describe shows both.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.containers.logs import LogWriter
from mdlc_emulator.engine.sagemaker.endpoints.capture import Capture
from mdlc_emulator.engine.sagemaker.endpoints.fleet import Fleet, Variant
from mdlc_emulator.engine.sagemaker.endpoints.shares import Shares
from mdlc_emulator.engine.sagemaker.kernel.errors import already_existing, could_not_find
from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Resource, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf
from mdlc_emulator.engine.sagemaker.models.operations import models
from mdlc_emulator.engine.sagemaker.models.plan import plan
from mdlc_emulator.engine.sagemaker.servers.server import startup_seconds

ENDPOINT = Kind("endpoint", could_not_find("endpoint"), already_existing("endpoint"))

LOGS = "/aws/sagemaker/Endpoints/"

_IN_EVENTS = {
    "InService": "IN_SERVICE",
    "OutOfService": "OUT_OF_SERVICE",
    "RollingBack": "ROLLING_BACK",
    "UpdateRollbackFailed": "UPDATE_ROLLBACK_FAILED",
}


class Traffic:
    """Where invocations go: to one fleet, or among several by shares. Never changed, only replaced."""

    def __init__(self, shares: Sequence[tuple[Fleet, Fraction]]) -> None:
        self.fleets = [fleet for fleet, share in shares if share > 0]
        self._shares = Shares(shares)

    def pick(self) -> Fleet:
        return self._shares.pick()


@dataclass(slots=True)
class Pending:
    """A deployment under way: the configuration it leads to and the fleet that is being put up."""

    config_name: str
    fleet: Fleet
    started: float = field(default_factory=clock.now)


@dataclass(eq=False, slots=True)
class Endpoint(Resource):
    """`config` are the members of the endpoint configuration in force; `traffic` is None until the endpoint
    is in service and once it is deleted. `message` is what its variants' VariantStatus says."""

    config_name: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    status: str = "Creating"
    reason: str | None = None
    fleet: Fleet | None = None
    traffic: Traffic | None = None
    pending: Pending | None = None
    last_deployment: dict[str, Any] | None = None
    message: str | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def log_group(self) -> str:
        return LOGS + self.name

    def enter(self, status: str, reason: str | None = None) -> None:
        """Take a status and tell EventBridge."""
        with self.lock:
            self.status, self.reason = status, reason
            self.touch()
            self.members = self.shown()
        self.announce("SageMaker Endpoint State Change")

    def forget(self) -> None:
        """See `Resource.forget`: no server runs on."""
        with self.lock:
            self.status, self.traffic = "Deleting", None
        for fleet in (self.fleet, self.pending.fleet if self.pending else None):
            if fleet is not None:
                fleet.kill()

    def announce(self, detail_type: str) -> None:
        """https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html"""
        detail = self.described() | {
            "EndpointStatus": _IN_EVENTS.get(self.status, self.status.upper()),
            "Tags": dict(self.tags),
        }
        announce(self.caller, detail_type, detail, [self.arn])

    def described(self) -> dict[str, Any]:
        """DescribeEndpoint's response."""
        with self.lock:
            return {
                "EndpointName": self.name,
                "EndpointArn": self.arn,
                "CreationTime": moment(self.created),
                "LastModifiedTime": moment(self.modified),
                **self.shown(),
            }

    def shown(self) -> dict[str, Any]:
        """What Describe shows beside name, ARN and times."""
        members: dict[str, Any] = {
            "EndpointConfigName": self.config_name,
            "EndpointStatus": self.status,
        }
        fleet = self.fleet
        if fleet is not None:
            members["ProductionVariants"] = [self._variant(variant) for variant in fleet.variants]
            if fleet.shadows:
                members["ShadowProductionVariants"] = [self._variant(variant) for variant in fleet.shadows]
        if (capture := self.config.get("DataCaptureConfig")) is not None:
            members["DataCaptureConfig"] = _capture_summary(capture)
        if self.reason:
            members["FailureReason"] = self.reason
        if self.last_deployment is not None:
            members["LastDeploymentConfig"] = self.last_deployment
        if (pending := self.pending) is not None:
            members["PendingDeploymentSummary"] = {
                "EndpointConfigName": pending.config_name,
                "ProductionVariants": [self._variant(variant, True) for variant in pending.fleet.variants],
                "StartTime": moment(pending.started),
            }
            if pending.fleet.shadows:
                members["PendingDeploymentSummary"]["ShadowProductionVariants"] = [
                    self._variant(variant, True) for variant in pending.fleet.shadows
                ]
        return members

    def _variant(self, variant: Variant, pending: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "VariantName": variant.name,
            "DeployedImages": [
                {
                    "SpecifiedImage": image,
                    "ResolvedImage": image,
                    "ResolutionTime": moment(self.created if not pending else self.modified),
                }
                for image in variant.plan.images
            ],
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.desired_weight,
        }
        if variant.serverless is not None:
            shown["CurrentServerlessConfig"] = variant.serverless
            shown["CurrentInstanceCount"] = 0
        else:
            shown["CurrentInstanceCount"] = variant.count
            shown["DesiredInstanceCount"] = variant.desired_count
            if pending:
                shown["InstanceType"] = variant.asked["InstanceType"]
        if "RoutingConfig" in variant.asked:
            shown["RoutingConfig"] = variant.asked["RoutingConfig"]
        if variant.status is not None and self.status != "InService":
            shown["VariantStatus"] = [
                {
                    "Status": variant.status,
                    "StartTime": moment(variant.status_since),
                    **({"StatusMessage": self.message} if self.message else {}),
                }
            ]
        return shown


def _capture_summary(capture: dict[str, Any]) -> dict[str, Any]:
    enabled = capture["EnableCapture"]
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }


def endpoints(caller: Caller) -> Shelf[Endpoint]:
    """The caller's endpoints."""
    return STORE.shelf(ENDPOINT, caller, Endpoint)


def fleet_of(endpoint: Endpoint, config: dict[str, Any]) -> Fleet:
    """The fleet that a configuration asks for, nothing of it started. The errors of missing models;
    NotServableError for images that cannot serve."""
    startup = startup_seconds()
    caller = endpoint.caller

    def log(stream: str) -> LogWriter:
        return LogWriter(caller.account, caller.region, endpoint.log_group, stream)

    def variant(asked: dict[str, Any]) -> Variant:
        made = plan(
            models(caller).get(asked["ModelName"]), isolated=bool(config.get("EnableNetworkIsolation"))
        )
        return Variant(asked, made, log, startup)

    fleet = Fleet(
        [variant(asked) for asked in config["ProductionVariants"]],
        [variant(asked) for asked in config.get("ShadowProductionVariants", ())],
    )
    if (capture := config.get("DataCaptureConfig")) is not None and capture["EnableCapture"]:
        fleet.capture = Capture(caller, endpoint.name, capture)
    return fleet
