"""What tests of the application share: compiled lifecycles, and entry points bound to fakes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from chalice.test import Client
from mdlc_emulator.pytest_plugin import Aws

from app.adapters.inspection import InMemoryInspector
from app.adapters.registrations import InMemoryRegistrations, Registrations
from app.compiled import CompiledLifecycle
from app.compiling import compile_all
from app.functions.ports import Ports, bind, ports
from app.main import app
from app.resources import required

STAGE = "local"


class EmulatedClients:
    """What the AWS adapters need of Clients, aimed at the emulator."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._made: dict[str, Any] = {}

    def get(self, service: str) -> Any:
        if service not in self._made:
            self._made[service] = self._aws.client(service)
        return self._made[service]

    def account(self) -> str:
        return self._aws.account


@pytest.fixture(scope="session")
def compiled() -> dict[str, CompiledLifecycle]:
    """The project's own lifecycles, compiled; files that are up to date are left alone."""
    return compile_all()


@dataclass
class Bound:
    """The fakes that the entry points work with, and a client of the API."""

    http: Client
    inspector: InMemoryInspector
    rebind: Callable[..., None]
    registrations: Registrations = field(default_factory=InMemoryRegistrations)


@pytest.fixture
def bound(compiled: dict[str, CompiledLifecycle]) -> Iterator[Bound]:
    """The application with fakes for adapters; the real ones are bound again afterwards."""
    real = ports()
    inspector = InMemoryInspector(required(STAGE))
    registrations = InMemoryRegistrations()

    def rebind(**changes: object) -> None:
        values = {
            "stage": STAGE,
            "inspector": inspector,
            "registrations": registrations,
            "lifecycles": lambda: compiled,
        }
        bind(Ports(**(values | changes)))  # type: ignore[arg-type]

    rebind()
    with Client(app, stage_name=STAGE) as client:
        yield Bound(client, inspector, rebind, registrations)
    bind(real)
