"""Model packages and their groups as resources, and where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.errors import conflict, invalid
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Resource, moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE, Shelf

GROUP = Kind(
    "model-package-group",
    lambda arn: invalid(f"ModelPackageGroup {arn} does not exist."),
    lambda arn: invalid(f"Model Package Group already exists: {arn}"),
)
PACKAGE = Kind(
    "model-package",
    lambda arn: invalid(f"ModelPackage {arn} does not exist."),
    lambda arn: conflict(f"Model Package already exists: {arn}"),
)

_ARN = re.compile(r"arn:[^:]+:sagemaker:([^:]*):([^:]*):[a-z-]+/(.+)")


@dataclass(eq=False, slots=True)
class Group(Resource):
    """`newest` is the highest version ever given, never given again; `policy` its resource policy."""

    newest: int = 0
    policy: str | None = None


@dataclass(eq=False, slots=True)
class Package(Resource):
    """`version` is None for a package without a group. `token` and `asked` make its creation idempotent."""

    version: int | None = None
    token: str | None = None
    asked: str = ""

    @property
    def status(self) -> str:
        return str(self.members["ModelPackageStatus"])


def groups(caller: Caller) -> Shelf[Group]:
    """The caller's model package groups."""
    return STORE.shelf(GROUP, caller, Group)


def packages(caller: Caller) -> Shelf[Package]:
    """By name, or `<group>/<version>`."""
    return STORE.shelf(PACKAGE, caller, Package)


def owner(caller: Caller, name: str) -> tuple[Caller, str]:
    """Whose a name or ARN is (packages may be used from another account by their ARN), and the name."""
    found = _ARN.fullmatch(name)
    return (Caller(found[2], found[1]), found[3]) if found else (caller, name)


def find_group(caller: Caller, name: str) -> Group:
    """By name or ARN. ValidationException when there is none."""
    of, short = owner(caller, name)
    shelf = groups(of)
    return shelf.find(name if name.startswith("arn:") else short) or shelf.get(short)


def find_package(caller: Caller, name: str) -> Package:
    """By ARN, name, or `<group>/<version>`. ValidationException when there is none."""
    of, short = owner(caller, name)
    shelf = packages(of)
    return shelf.find(name if name.startswith("arn:") else short) or shelf.get(short)


def identity(package: Package) -> dict[str, Any]:
    """How a package is named: versions by their group and number, others by their name."""
    if package.version is None:
        return {"ModelPackageName": package.name, "ModelPackageArn": package.arn}
    return {
        "ModelPackageGroupName": package.members["ModelPackageGroupName"],
        "ModelPackageVersion": package.version,
        "ModelPackageArn": package.arn,
    }


def described(package: Package) -> dict[str, Any]:
    """All members, as DescribeModelPackage and the events show them."""
    return {
        **package.members,
        **identity(package),
        "CreationTime": moment(package.created),
        "LastModifiedTime": moment(package.modified),
    }
