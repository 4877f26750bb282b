"""Is a stage complete: does everything exist that the application needs?"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

from app.adapters.inspection import Inspector
from app.compiled import CompiledLifecycle, StaleLifecycleError
from app.resources import AccessError, Resource, remedy

Lifecycles = Callable[[], dict[str, CompiledLifecycle]]
"""Loads the compiled lifecycles, by name; raises StaleLifecycleError."""


@dataclass(frozen=True)
class Health:
    """`problems` are sentences, each with its way out; a stage without any is healthy."""

    stage: str
    lifecycles: dict[str, str] = field(default_factory=dict)
    missing: tuple[Resource, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        return "degraded" if self.problems else "ok"

    def to_json(self) -> dict[str, object]:
        return {
            "status": self.status,
            "stage": self.stage,
            "lifecycles": self.lifecycles,
            "missing": [asdict(resource) for resource in self.missing],
            "problems": list(self.problems),
        }


def check(stage: str, needed: Iterable[Resource], inspector: Inspector, lifecycles: Lifecycles) -> Health:
    """Look at every needed resource and every compiled lifecycle. Never raises: a failure to look is a
    problem."""
    missing: list[Resource] = []
    problems: list[str] = []
    for resource in needed:
        try:
            if not inspector.exists(resource):
                missing.append(resource)
        except AccessError as error:
            # What keeps us from one resource mostly keeps us from all: once is enough, and quick.
            problems.append(str(error))
            break
    if missing:
        problems.insert(0, remedy(missing, stage))
    digests: dict[str, str] = {}
    try:
        digests = {name: lifecycle.digest for name, lifecycle in lifecycles().items()}
    except StaleLifecycleError as error:
        problems.append(str(error))
    return Health(stage, digests, tuple(missing), tuple(problems))
