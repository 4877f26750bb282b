"""Which service a request is for, by signing name, target, host or action: LocalStack's index, made
beforehand.

LocalStack makes its index at the first call by loading every model that botocore has: seconds, and 400 MB
that stay. What it needs of them fits into catalog.json, written by `python -m
mdlc_emulator.engine.gateway.catalog` whenever the locked botocore changes (a test compares the two).
"""

import functools
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localstack.aws import spec
from localstack.aws.spec import ServiceModelIdentifier

from mdlc_emulator.engine import newer_models

FILE = Path(__file__).with_name("catalog.json")
_QUERY = ("query", "ec2")


class Index:
    """What `localstack.aws.spec.ServiceCatalogIndex` is, read from `entries`."""

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self._entries = entries

    @functools.cached_property
    def service_names(self) -> list[str]:
        return list(dict.fromkeys(entry["name"] for entry in self._entries))

    @functools.cached_property
    def target_prefix_index(self) -> dict[str, list[ServiceModelIdentifier]]:
        return self._by(lambda entry: [entry["target"]] if entry.get("target") else [])

    @functools.cached_property
    def signing_name_index(self) -> dict[str, list[ServiceModelIdentifier]]:
        return self._by(lambda entry: [entry["signing"]])

    @functools.cached_property
    def endpoint_prefix_index(self) -> dict[str, list[ServiceModelIdentifier]]:
        return self._by(lambda entry: [entry["endpoint"]])

    @functools.cached_property
    def operations_index(self) -> dict[str, list[ServiceModelIdentifier]]:
        """Of services that are called by `Action=` only: no other request is told by its operation."""
        return self._by(lambda entry: entry.get("actions", []))

    def _by(self, keys: Callable[[dict[str, Any]], list[str]]) -> dict[str, list[ServiceModelIdentifier]]:
        found: dict[str, list[ServiceModelIdentifier]] = defaultdict(list)
        for entry in self._entries:
            protocols = tuple(entry["protocols"]) if entry.get("protocols") else None
            identifier = ServiceModelIdentifier(entry["name"], entry["protocol"], protocols)
            for key in keys(entry):
                found[key].append(identifier)
        return dict(found)


@functools.cache
def index() -> Index:
    """The committed index."""
    return Index(json.loads(FILE.read_text(encoding="utf-8")))


def install() -> None:
    """Give LocalStack this index instead of the one it would make."""
    for name in ("build_service_index_cache", "load_service_index_cache", "LazyServiceCatalogIndex"):
        if not hasattr(spec, name):
            raise RuntimeError(f"localstack.aws.spec.{name} is gone: this LocalStack is not the locked one")
    spec.build_service_index_cache = _ours
    spec.load_service_index_cache = _ours
    spec.LazyServiceCatalogIndex = index  # type: ignore[misc, assignment]


def _ours(*_: str, **__: str) -> Any:
    return index()


def entries_of_botocore() -> list[dict[str, Any]]:
    """The index's content, from the models of the botocore that is installed and the newer ones beside it."""
    newer_models.install()
    entries = []
    for service in spec.list_services():
        protocols = service.metadata.get("protocols")
        entry = {
            "name": service.service_name,
            "protocol": service.protocol,
            "protocols": protocols,
            "signing": service.signing_name,
            "endpoint": service.endpoint_prefix,
            "target": service.metadata.get("targetPrefix"),
        }
        if set(protocols or [service.protocol]) & set(_QUERY):
            entry["actions"] = list(service.operation_names)
        entries.append({name: value for name, value in entry.items() if value})
    return entries


def text_of(entries: list[dict[str, Any]]) -> str:
    """How catalog.json holds `entries`: a service a line."""
    return "[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(text_of(entries_of_botocore()), encoding="utf-8")
