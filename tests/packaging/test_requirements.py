"""requirements.txt, from which Chalice packages, is what uv.lock says of the group `lambda`."""

import re
import tomllib
from typing import Any

from tests.packaging.conftest import ROOT

LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
PACKAGES: dict[str, dict[str, Any]] = {package["name"]: package for package in LOCK["package"]}
TEXT = (ROOT / "requirements.txt").read_text()
LINE = re.compile(r"^([\w.-]+)==([\w.]+)", re.MULTILINE)


def closure(names: list[str]) -> set[str]:
    """The packages and all that they need on Linux, as the lock has it."""
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [
                dependency["name"]
                for dependency in PACKAGES[name].get("dependencies", ())
                if "win32" not in dependency.get("marker", "")
            ]
    return reached


def test_it_holds_exactly_the_group_and_what_it_needs() -> None:
    group = [entry["name"] for entry in PACKAGES["mdlc"]["dev-dependencies"]["lambda"]]
    assert dict(LINE.findall(TEXT)) == {name: PACKAGES[name]["version"] for name in closure(group)}


def test_every_hash_is_one_of_the_lock() -> None:
    known = {
        file["hash"]
        for package in PACKAGES.values()
        for file in [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    }
    hashes = set(re.findall(r"sha256:[0-9a-f]{64}", TEXT))
    assert hashes <= known
    assert len(hashes) > len(LINE.findall(TEXT))


def test_nothing_in_it_belongs_to_jobs() -> None:
    assert not {"pandas", "pandera", "dask", "deltalake", "pyarrow", "sympy", "boto3"} & {
        name for name, _ in LINE.findall(TEXT)
    }
