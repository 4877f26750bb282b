"""What each operation is worth: executed, simulated or unsupported, with the reason. Standard library only.

The judgement is data, in classes.toml; how an operation is implemented (by code written for it, by moto, not
at all) is found by looking at the engine (implementation.py) and given to `Table.judge`.
"""

import functools
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mdlc_emulator.engine.fidelity.ledger import Fidelity

CLASSES = Path(__file__).with_name("classes.toml")


DEFAULT_REASON = "A model keeps and returns what is said of the resource; nothing is done with it."
"""Why operations that only moto answers are simulated, where a service's table has no better reason."""


class Implementation(StrEnum):
    """Who answers an operation."""

    NATIVE = "native"
    """Code written for this operation."""
    MOTO = "moto"
    """moto, in this process."""
    NONE = "none"
    """Nobody."""


@dataclass(frozen=True)
class Judgement:
    """`reason`: for a simulated operation what is not done, and the way out; for an unsupported one why."""

    fidelity: Fidelity
    reason: str = ""


@dataclass(frozen=True)
class Condition:
    """Calls of an executed operation that are only simulated: those with `member` in the request, and (where
    given) its value one of `values`, beginning with one of `prefixes`, or holding one of `contains`."""

    operation: str
    member: str
    reason: str
    values: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()

    def holds(self, request: Mapping[str, Any]) -> bool:
        value = request.get(self.member)
        if value is None:
            return False
        if isinstance(value, io.BytesIO):  # a body as the gateway read it, wherever its reader stands
            value = value.getvalue()
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        if self.values:
            return text in self.values
        if self.prefixes:
            return text.startswith(self.prefixes)
        return not self.contains or any(part in text for part in self.contains)


@dataclass(frozen=True)
class ServiceClasses:
    """One service's table: what its native operations and moto's are worth, and the exceptions by name or
    pattern."""

    native: Fidelity
    moto: Fidelity
    reason: str
    executed: tuple[str, ...] = ()
    simulated: Mapping[str, str] = field(default_factory=dict)
    unsupported: Mapping[str, str] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()

    def judge(self, operation: str, implementation: Implementation) -> Judgement:
        for pattern, reason in self.unsupported.items():
            if fnmatchcase(operation, pattern):
                return Judgement(Fidelity.UNSUPPORTED, reason)
        if implementation is Implementation.NONE:
            return Judgement(Fidelity.UNSUPPORTED, f"The emulator does not implement {operation}.")
        if operation in self.simulated:
            return Judgement(Fidelity.SIMULATED, self.simulated[operation])
        for pattern in self.executed:
            if fnmatchcase(operation, pattern):
                return Judgement(Fidelity.EXECUTED)
        for pattern, reason in self.simulated.items():
            if fnmatchcase(operation, pattern):
                return Judgement(Fidelity.SIMULATED, reason)
        worth = self.native if implementation is Implementation.NATIVE else self.moto
        return Judgement(worth, self.reason if worth is Fidelity.SIMULATED else "")


class Table:
    """All services' tables."""

    def __init__(self, services: Mapping[str, ServiceClasses]) -> None:
        self.services = services

    def judge(self, service: str, operation: str, implementation: Implementation) -> Judgement:
        """The class of one operation; a service that is not in the table is unsupported."""
        found = self.services.get(service)
        if found is None:
            return Judgement(Fidelity.UNSUPPORTED, f"The emulator does not have the service {service!r}.")
        return found.judge(operation, implementation)

    def conditions(self, service: str, operation: str) -> tuple[Condition, ...]:
        """Under which conditions calls of an executed operation are only simulated."""
        found = self.services.get(service)
        return tuple(one for one in found.when if one.operation == operation) if found else ()


def read(text: str) -> Table:
    """The table in TOML: `[service]` with `native`, `moto`, `reason`, `executed` (a list of patterns), and
    `[service.simulated]`, `[service.unsupported]` (pattern = reason). A ValueError names what is wrong."""
    return Table({name: _service(name, content) for name, content in tomllib.loads(text).items()})


def _service(name: str, content: dict[str, Any]) -> ServiceClasses:
    known = {"native", "moto", "reason", "executed", "simulated", "unsupported", "when"}
    if unknown := set(content) - known:
        raise ValueError(f"[{name}] has unknown keys {sorted(unknown)}; known are {sorted(known)}")
    classes = ServiceClasses(
        Fidelity(content.get("native", Fidelity.EXECUTED)),
        Fidelity(content.get("moto", Fidelity.SIMULATED)),
        content.get("reason", DEFAULT_REASON),
        tuple(content.get("executed", ())),
        content.get("simulated", {}),
        content.get("unsupported", {}),
        tuple(_condition(one) for one in content.get("when", ())),
    )
    if classes.native is Fidelity.SIMULATED and "reason" not in content:
        raise ValueError(f"[{name}] is simulated by default and needs a reason")
    reasons = {f"when {one.operation}": one.reason for one in classes.when}
    for pattern, reason in [*reasons.items(), *classes.simulated.items(), *classes.unsupported.items()]:
        if not reason.strip():
            raise ValueError(f"[{name}] {pattern} needs a reason")
    return classes


def _condition(content: dict[str, Any]) -> Condition:
    return Condition(
        content["operation"],
        content["member"],
        content["reason"],
        tuple(content.get("values", ())),
        tuple(content.get("prefixes", ())),
        tuple(content.get("contains", ())),
    )


@functools.cache
def table() -> Table:
    """The table that this engine goes by."""
    return read(CLASSES.read_text(encoding="utf-8"))
