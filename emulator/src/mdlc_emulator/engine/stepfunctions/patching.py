"""How this package changes LocalStack's interpreter: by name, and loudly when the name is gone."""

import sys
from collections.abc import Callable
from typing import Any


class MissingTargetError(RuntimeError):
    """LocalStack no longer has what we replace: this engine fits another release."""


def original(owner: Any, name: str) -> Any:
    """What `owner` holds under `name` now. Raises MissingTargetError when there is nothing."""
    try:
        return getattr(owner, name)
    except AttributeError:
        where = getattr(owner, "__qualname__", getattr(owner, "__name__", repr(owner)))
        raise MissingTargetError(
            f"LocalStack has no {where}.{name}: install the release that emulator/uv.lock names."
        ) from None


def replace(owner: Any, name: str, replacement: Any) -> Any:
    """Put `replacement` in the place of `owner.name`; returns what was there."""
    before = original(owner, name)
    setattr(owner, name, replacement)
    return before


def replaces[F: Callable[..., Any]](owner: Any, name: str | None = None) -> Callable[[F], F]:
    """Decorator: the function takes the place of `owner.<name>`, by default of its own name."""

    def put(function: F) -> F:
        replace(owner, name or function.__name__, function)
        return function

    return put


def replace_everywhere(package: str, before: Any, after: Any) -> int:
    """Replace every module-level reference to `before` in the loaded modules below `package`: functions that
    were imported by name. Returns how many there were; raises MissingTargetError when there were none."""
    count = 0
    for name, module in list(sys.modules.items()):
        if not name.startswith(package) or module is None:
            continue
        for attribute, value in list(vars(module).items()):
            if value is before:
                setattr(module, attribute, after)
                count += 1
    if not count:
        raise MissingTargetError(f"Nothing below {package} refers to {before!r}.")
    return count
