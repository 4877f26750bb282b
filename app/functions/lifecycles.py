"""GET /lifecycles, /lifecycles/{name} and /lifecycles/{name}/registration."""

from dataclasses import asdict

import msgspec

from app.compiled import CompiledLifecycle
from app.functions.api import Api, NotFoundError
from app.functions.ports import ports

routes = Api(__name__)


@routes.get("/lifecycles")
def lifecycles() -> dict[str, object]:
    """All deployed lifecycles, in short."""
    return {
        "lifecycles": [
            {
                "name": lifecycle.name,
                "digest": lifecycle.digest,
                "stream": lifecycle.source.stream,
                "batch": lifecycle.source.batch,
            }
            for lifecycle in ports().lifecycles().values()
        ]
    }


@routes.get("/lifecycles/{name}")
def lifecycle(name: str) -> object:
    """One lifecycle with its source and contract."""
    return msgspec.to_builtins(_known(name))


@routes.get("/lifecycles/{name}/registration")
def registration(name: str) -> dict[str, object]:
    """Which version is registered as the live one, and whether that is the one deployed here."""
    known = _known(name)
    live = ports().registrations.get(name)
    if live is None:
        raise NotFoundError(f"The lifecycle {name!r} is not registered yet: `mdlc deploy` registers it.")
    return {**asdict(live), "current": live.digest == known.digest}


def _known(name: str) -> CompiledLifecycle:
    known = ports().lifecycles()
    if name not in known:
        raise NotFoundError(f"There is no lifecycle {name!r}; there are: {', '.join(sorted(known))}.")
    return known[name]
