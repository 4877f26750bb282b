"""Who answers an operation in this engine: found by looking at its services' dispatch tables, not
declared."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import moto.backends
from localstack.aws.skeleton import ServiceRequestDispatcher
from localstack.services.plugins import Service
from moto.core.utils import camelcase_to_underscores

from mdlc_emulator.engine.fidelity.table import Implementation

_OURS = {
    "moto_service.<locals>.forward": Implementation.MOTO,
    "_unsupported.<locals>.refuse": Implementation.NONE,
}
"""Handlers that engine/moto_service.py makes, by the names of their functions."""


def implementation_of(name: str, service: Service, operation: str) -> Implementation:
    """Who answers `operation` of the service `name`, whose provider has been loaded."""
    handler = service.skeleton.dispatch_table.get(operation)
    if handler is None:
        return Implementation.NONE
    direct, falls_back = _unwrapped(handler)
    ours = _OURS.get(getattr(direct, "__qualname__", ""))
    if ours is Implementation.NONE:
        return Implementation.NONE
    if ours is None and (not isinstance(direct, ServiceRequestDispatcher) or _is_written(direct.fn)):
        return Implementation.NATIVE
    if ours is None and not falls_back:
        return Implementation.NONE
    method = camelcase_to_underscores(operation)
    return Implementation.MOTO if method in _moto_names(name) else Implementation.NONE


def _unwrapped(handler: Callable[..., Any]) -> tuple[Callable[..., Any], bool]:
    """The provider's own handler, and whether moto is asked when that one is not implemented."""
    code = getattr(handler, "__code__", None)
    if code is None or "fallthrough_handler" not in code.co_freevars:
        return handler, False
    inner = dict(zip(code.co_freevars, handler.__closure__ or (), strict=True))
    return inner["handler"].cell_contents, True


def _is_written(method: Callable[..., Any]) -> bool:
    """Whether a provider's method does more than to raise NotImplementedError, as the generated ones do."""
    function: Any = getattr(method, "__func__", method)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return set(function.__code__.co_names) != {"NotImplementedError"}


@functools.cache
def _moto_names(service: str) -> frozenset[str]:
    """The Python names that moto's response classes of a service have; none if moto lacks the service."""
    try:
        regions: Any = moto.backends.get_backend(service)["000000000000"]  # type: ignore[call-overload]
    except (ImportError, KeyError, ValueError):
        return frozenset()
    try:
        backend = regions["us-east-1"]
    except KeyError:
        backend = regions["global"]
    names: set[str] = set()
    for handler in backend.flask_paths.values():
        holder = getattr(handler, "__self__", None) or _class_of(handler)
        if isinstance(holder, type):
            names.update(dir(holder))
    return frozenset(names)


def _class_of(function: Callable[..., Any]) -> Any:
    """The class in whose body a plain function was written."""
    holder: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split(".")[:-1]:
        holder = getattr(holder, part, None)
    return holder
