"""Steps of the workflow `register`: look whether the stage is complete, then register every lifecycle."""

from datetime import UTC, datetime
from typing import Any, TypedDict

from chalice.app import Blueprint

from app.adapters.registrations import Registration
from app.functions.ports import ports
from app.health import check
from app.resources import required

steps = Blueprint(__name__)


class RegisterInput(TypedDict):
    """`at`: when the execution started, so that a retried step registers the same thing."""

    name: str
    digest: str
    at: str


@steps.lambda_function(name="inspect-stage")
def inspect_stage(_event: dict[str, Any], _context: Any) -> dict[str, object]:
    """What GET /health tells, with the lifecycles as a list to map over."""
    bound = ports()
    health = check(bound.stage, required(bound.stage), bound.inspector, bound.lifecycles)
    return {
        "status": health.status,
        "cause": " ".join(health.problems),
        "lifecycles": [{"name": name, "digest": digest} for name, digest in health.lifecycles.items()],
    }


@steps.lambda_function(name="register-lifecycle")
def register_lifecycle(event: RegisterInput, _context: Any) -> dict[str, object]:
    """Make one version the live one unless a later one is; doing it again changes nothing."""
    at = datetime.fromisoformat(event["at"]).astimezone(UTC).isoformat(timespec="microseconds")
    changed = ports().registrations.record(Registration(event["name"], event["digest"], at))
    return {"name": event["name"], "digest": event["digest"], "changed": changed}
