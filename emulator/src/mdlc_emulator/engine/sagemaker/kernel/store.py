"""Where resources are kept: one store for the whole engine, a shelf for each kind, account and region."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.resource import Kind, Resource


class Shelf[R: Resource]:
    """The resources of one kind, account and region, by name. Safe for use by several threads."""

    def __init__(self, kind: Kind, caller: Caller, lock: threading.RLock) -> None:
        self._kind, self._caller, self._lock = kind, caller, lock
        self._resources: dict[str, R] = {}

    def arn(self, name: str) -> str:
        return self._kind.arn(self._caller, name)

    def add(self, resource: R) -> R:
        """Keep a new resource. The kind's `existing` error when the name is taken."""
        with self._lock:
            self.refuse_existing(resource.name)
            self._resources[resource.name] = resource
        return resource

    def refuse_existing(self, name: str) -> None:
        """The kind's `existing` error when the name is taken."""
        if (found := self._resources.get(name)) is not None:
            raise self._kind.existing(found.arn)

    def get(self, name: str) -> R:
        """The resource of that name (or ARN). The kind's `missing` error when there is none."""
        found = self.find(name)
        if found is None:
            raise self._kind.missing(name if name.startswith("arn:") else self.arn(name))
        return found

    def find(self, name: str) -> R | None:
        """The resource of that name or ARN, or None."""
        if name.startswith("arn:"):
            return next((each for each in self if each.arn == name), None)
        return self._resources.get(name)

    def remove(self, name: str) -> R:
        """Take the resource away. The kind's `missing` error when there is none."""
        with self._lock:
            found = self.get(name)
            del self._resources[found.name]
            return found

    def __iter__(self) -> Iterator[R]:
        """A copy as of now, in the order of creation."""
        with self._lock:
            return iter(list(self._resources.values()))

    def __len__(self) -> int:
        return len(self._resources)


class Store:
    """All shelves; `lock` guards every change that spans more than one resource."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._shelves: dict[tuple[Kind, Caller], Shelf[Resource]] = {}

    def shelf[R: Resource](self, kind: Kind, caller: Caller, holds: type[R]) -> Shelf[R]:
        """The shelf of `kind` for the caller; `holds` says which class of resource stands on it."""
        with self.lock:
            found = self._shelves.get((kind, caller))
            if found is None:
                found = self._shelves[kind, caller] = Shelf(kind, caller, self.lock)
        return found  # type: ignore[return-value]

    def shelves(self, caller: Caller) -> Iterator[tuple[Kind, Shelf[Resource]]]:
        """Every shelf of the caller, whatever stands on it."""
        with self.lock:
            found = [(kind, shelf) for (kind, owner), shelf in self._shelves.items() if owner == caller]
        return iter(found)

    def by_arn(self, caller: Caller, arn: str) -> Resource | None:
        """The resource with that ARN, of any kind."""
        wanted = arn.split(":", 5)[-1].partition("/")[0]
        for kind, shelf in self.shelves(caller):
            if kind.path.partition("/")[0] == wanted and (found := shelf.find(arn)) is not None:
                return found
        return None

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            forgotten = [resource for shelf in self._shelves.values() for resource in shelf]
            self._shelves.clear()
        for resource in forgotten:
            resource.forget()


STORE = Store()
