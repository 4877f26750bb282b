"""The images that AWS publishes for SageMaker, as its SDK knows them in catalog.json."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mdlc_emulator.images.names import ImageName

FILE = Path(__file__).with_name("catalog.json")
"""Written by `python -m mdlc_emulator.images.catalog_derive`; names its source and version."""


@dataclass(frozen=True, slots=True)
class Known:
    """A published image. `framework` is the SDK's name for it ("xgboost", "sklearn", "pca"); `version` what
    its tag begins with, "" when the image is named by a digest alone."""

    framework: str
    repository: str
    version: str


LATEST = ("latest", "1")
"""The newest of an algorithm that has one version only:
https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-algo-docker-registry-paths.html"""


class WrongNameError(Exception):
    """The repository is one of SageMaker's, but no published image has this name: the message says why."""


def source() -> str:
    """Of which package and version the catalog is."""
    return str(_content()["source"])


def repositories() -> dict[str, list[dict[str, Any]]]:
    """{repository: [{"framework", "registries", "tags"}]}, as the file has it."""
    found: dict[str, list[dict[str, Any]]] = _content()["repositories"]
    return found


def accounts(repository: str) -> dict[str, set[str]]:
    """{region: accounts} in which AWS publishes `repository`."""
    found: dict[str, set[str]] = {}
    for entry in repositories().get(repository, ()):
        for region, account in _content()["registries"][entry["registries"]].items():
            found.setdefault(region, set()).add(account)
    return found


def find(name: ImageName) -> Known | None:
    """The published image called `name`; None when its repository is none of AWS's in that account.

    WrongNameError when account and repository are right, and the region or the tag is not.
    """
    entries = repositories().get(name.repository)
    if entries is None or not name.account:
        return None
    registries = _content()["registries"]
    in_account = [entry for entry in entries if name.account in registries[entry["registries"]].values()]
    if not in_account:
        return None
    here = [entry for entry in in_account if registries[entry["registries"]].get(name.region) == name.account]
    if not here:
        right = sorted(accounts(name.repository).get(name.region, ()))
        where = f"its account there is {right[0]}" if right else "it is not published there"
        raise WrongNameError(f"{name.repository} is not in account {name.account} in {name.region}: {where}")
    if name.digest and not name.tag:
        return Known(here[0]["framework"], name.repository, "")
    # Without a tag a registry is asked for this one.
    asked = name.tag or "latest"
    matches = [
        (tag, entry["framework"])
        for entry in here
        for tag in entry["tags"]
        if not tag or asked == tag or asked.startswith((f"{tag}-", f"{tag}.")) or (asked, tag) == LATEST
    ]
    if not matches:
        tags = sorted({tag for entry in here for tag in entry["tags"]})
        raise WrongNameError(f"{name.repository} has no version {asked!r}: there are {', '.join(tags)}")
    version, framework = max(matches, key=lambda match: len(match[0]))
    return Known(framework, name.repository, version)


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return content
