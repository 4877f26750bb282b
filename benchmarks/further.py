"""Figures of single parts, by the modules `benchmarks.measure_<part>`.

Each has `run(endpoint_url)`, or `run()` for what needs no emulator, and returns rows of name, ours, unit,
target, stretch.
"""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import benchmarks
from benchmarks.catalogue import Figure

PREFIX = "measure_"


def parts() -> tuple[str, ...]:
    """The parts that measure themselves."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return tuple(sorted(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)))


def needs_emulator(part: str) -> bool:
    return bool(inspect.signature(import_module(f"benchmarks.{PREFIX}{part}").run).parameters)


def rows(part: str, *endpoint_url: str) -> Iterator[tuple[Figure, float]]:
    """Figure and value of each row of a part. ValueError for a row that says too little."""
    for row in import_module(f"benchmarks.{PREFIX}{part}").run(*endpoint_url):
        yield figure(part, row), float(row["ours"])


def figure(part: str, row: Mapping[str, Any]) -> Figure:
    """The figure that a row of a part describes. ValueError names what is missing."""
    missing = {"name", "ours", "unit"} - row.keys()
    if missing:
        raise ValueError(f"A row of {PREFIX}{part} lacks {', '.join(sorted(missing))}: {dict(row)!r:.200}")
    name = str(row["name"])
    return Figure(name, name, str(row["unit"]), part, row.get("target"), row.get("stretch"))
