"""Less to import at start: stand-ins for what does nothing here, and laziness for what is seldom used."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

_STANDINS = Path(__file__).parent / "standins"

STANDINS = {
    "localstack.services.lambda_.invocation.event_manager": _STANDINS / "lambda_event_manager.py",
    "localstack.utils.catalog.plugins": _STANDINS / "catalog.py",
    "moto.batch": _STANDINS / "moto_batch.py",
    "moto.ec2": _STANDINS / "moto_ec2.py",
}

LAZY = frozenset({"dns.message", "dns.query", "dns.resolver"})
"""Modules used by attribute only, and seldom: executed when first looked into. dnspython's take 0.1 s, for
helpers of the DNS server that this engine does not start."""


class _Lighter(importlib.abc.MetaPathFinder):
    def __init__(self, standins: dict[str, Path]) -> None:
        self.standins = standins

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in self.standins:
            return _in_place_of(fullname, path, self.standins[fullname])
        if fullname in LAZY:
            spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = importlib.util.LazyLoader(spec.loader)
            return spec
        return None


def _in_place_of(
    fullname: str, path: Sequence[str] | None, standin: Path
) -> importlib.machinery.ModuleSpec | None:
    """A package's stand-in still finds the package's modules."""
    stock = importlib.machinery.PathFinder.find_spec(fullname, path)
    modules = stock.submodule_search_locations if stock is not None else None
    return importlib.util.spec_from_file_location(fullname, standin, submodule_search_locations=modules)


def install() -> None:
    """Before anything of LocalStack is imported."""
    standins = dict(STANDINS)
    if not {"OPENAPI_VALIDATE_REQUEST", "OPENAPI_VALIDATE_RESPONSE"} & os.environ.keys():
        standins["localstack.aws.handlers.validation"] = _STANDINS / "validation.py"
    sys.meta_path.insert(0, _Lighter(standins))
    # botocore takes the standard library's TLS where this is missing, which is as good and half the size.
    sys.modules["urllib3.contrib.pyopenssl"] = None  # type: ignore[assignment]
