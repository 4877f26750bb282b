"""Actions, artifacts, contexts and associations as resources, and where they stand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, not_found
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Resource
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf


def _missing(noun: str) -> Callable[[str], AwsError]:
    return lambda arn: not_found(f"{noun} '{arn}' does not exist.")


def _existing(noun: str) -> Callable[[str], AwsError]:
    return lambda arn: invalid(f"{noun} '{arn}' already exists.")


ACTION = Kind("action", _missing("Action"), _existing("Action"))
ARTIFACT = Kind("artifact", _missing("Artifact"), _existing("Artifact"))
CONTEXT = Kind("context", _missing("Context"), _existing("Context"))
ASSOCIATION = Kind("association", _missing("Association"), _existing("Association"))

DEFAULT_GROUP = "sagemaker-default-lineage-group"
"""The one lineage group that every account has."""


def actions(caller: Caller) -> Shelf[Resource]:
    return STORE.shelf(ACTION, caller, Resource)


def artifacts(caller: Caller) -> Shelf[Resource]:
    """By the digest of their source: two artifacts of one source are one."""
    return STORE.shelf(ARTIFACT, caller, Resource)


def contexts(caller: Caller) -> Shelf[Resource]:
    return STORE.shelf(CONTEXT, caller, Resource)


def associations(caller: Caller) -> Shelf[Resource]:
    """By `association_name` of their two ends."""
    return STORE.shelf(ASSOCIATION, caller, Resource)


def association_name(source: str, destination: str) -> str:
    return f"{source} {destination}"


def group_arn(caller: Caller) -> str:
    return f"arn:aws:sagemaker:{caller.region}:{caller.account}:lineage-group/{DEFAULT_GROUP}"


def digest(source: Mapping[str, Any]) -> str:
    """What an artifact's ARN ends with."""
    types = sorted((each["SourceIdType"], each["Value"]) for each in source.get("SourceTypes", ()))
    return hashlib.md5(json.dumps([source["SourceUri"], types]).encode(), usedforsecurity=False).hexdigest()
