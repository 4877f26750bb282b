"""What entry points work with. app/main.py binds it once, before any of them runs."""

from dataclasses import dataclass

from app.adapters.inspection import Inspector
from app.adapters.registrations import Registrations
from app.health import Lifecycles


@dataclass(frozen=True)
class Ports:
    stage: str
    inspector: Inspector
    registrations: Registrations
    lifecycles: Lifecycles


_bound: list[Ports] = []


def bind(ports: Ports) -> None:
    """Give the entry points their adapters; the last call counts."""
    _bound[:] = [ports]


def ports() -> Ports:
    """The bound adapters."""
    if not _bound:
        raise RuntimeError("No adapters are bound: entry points are imported through app.main.")
    return _bound[0]
