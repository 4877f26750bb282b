"""The HTTP routes, through Chalice's own client and fakes for adapters."""

import json
import subprocess
import sys
from typing import Any

import pytest
from chalice.test import HTTPResponse

from app.adapters.registrations import Registration
from app.compiled import CompiledLifecycle, StaleLifecycleError
from app.resources import AccessError, MissingResourcesError, Resource, lifecycles_table
from tests.app.conftest import STAGE, Bound


def body(response: HTTPResponse) -> Any:
    return json.loads(response.body)


class Failing:
    """Registrations or an inspector whose every method raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get(self, name: str) -> None:
        raise self.error

    def exists(self, resource: Resource) -> bool:
        raise self.error


def test_health_is_ok_when_everything_exists(bound: Bound, compiled: dict[str, CompiledLifecycle]) -> None:
    response = bound.http.http.get("/health")
    assert response.status_code == 200
    assert body(response) == {
        "status": "ok",
        "stage": STAGE,
        "lifecycles": {name: lifecycle.digest for name, lifecycle in compiled.items()},
        "missing": [],
        "problems": [],
    }


def test_health_says_what_is_missing_and_how_to_make_it(bound: Bound) -> None:
    bound.inspector.existing = {r for r in bound.inspector.existing if r.kind != "bucket"}
    told = body(bound.http.http.get("/health"))
    assert told["status"] == "degraded"
    assert told["missing"] == [
        {"kind": "bucket", "name": "mdlc-local-raw"},
        {"kind": "bucket", "name": "mdlc-local-tables"},
    ]
    assert told["problems"] == [
        "Missing are bucket mdlc-local-raw, bucket mdlc-local-tables:"
        " run `mdlc deploy --stage local` to make what the application needs."
    ]


def test_health_tells_when_aws_cannot_be_asked(bound: Bound) -> None:
    bound.rebind(inspector=Failing(AccessError("Cannot look: no credentials")))
    told = body(bound.http.http.get("/health"))
    assert (told["status"], told["problems"]) == ("degraded", ["Cannot look: no credentials"])


def test_health_tells_of_stale_lifecycles(bound: Bound) -> None:
    def stale() -> dict[str, CompiledLifecycle]:
        raise StaleLifecycleError("flights.py has changed. Run `mdlc package`")

    bound.rebind(lifecycles=stale)
    told = body(bound.http.http.get("/health"))
    assert (told["status"], told["problems"]) == ("degraded", ["flights.py has changed. Run `mdlc package`"])
    assert bound.http.http.get("/lifecycles").status_code == 503


def test_lifecycles_are_listed_and_shown(bound: Bound) -> None:
    listed = body(bound.http.http.get("/lifecycles"))["lifecycles"]
    assert [lifecycle["name"] for lifecycle in listed] == ["flights", "retail"]
    shown = body(bound.http.http.get("/lifecycles/flights"))
    assert shown["digest"] == listed[0]["digest"]
    assert shown["source"]["event_time"] == "time_hour"


def test_a_registration_is_shown_with_whether_it_is_what_runs(
    bound: Bound, compiled: dict[str, CompiledLifecycle]
) -> None:
    path = "/lifecycles/flights/registration"
    assert bound.http.http.get(path).status_code == 404
    bound.registrations.record(Registration("flights", "old", "2026-01-01T00:00:00.000000+00:00"))
    assert body(bound.http.http.get(path))["current"] is False
    digest = compiled["flights"].digest
    bound.registrations.record(Registration("flights", digest, "2026-01-02T00:00:00.000000+00:00"))
    assert body(bound.http.http.get(path)) == {
        "name": "flights",
        "digest": digest,
        "registered_at": "2026-01-02T00:00:00.000000+00:00",
        "current": True,
    }


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (MissingResourcesError([lifecycles_table(STAGE)], STAGE), 503, "run `mdlc deploy --stage local`"),
        (AccessError("Cannot read the table: no right"), 502, "no right"),
        (RuntimeError("secret of the implementation"), 500, "An internal server error occurred."),
    ],
)
def test_errors_are_problems(bound: Bound, error: Exception, status: int, detail: str) -> None:
    bound.rebind(registrations=Failing(error))
    response = bound.http.http.get("/lifecycles/flights/registration")
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = body(response)
    assert problem.keys() == {"type", "title", "status", "detail", "instance", "request_id"}
    assert problem["status"] == status
    assert detail in problem["detail"]
    assert "secret" not in str(problem)


def test_what_does_not_exist_is_a_problem_that_says_what_does(bound: Bound) -> None:
    response = bound.http.http.get("/lifecycles/fligths")
    assert response.status_code == 404
    assert body(response)["detail"] == "There is no lifecycle 'fligths'; there are: flights, retail."


def test_every_answer_has_the_request_id(bound: Bound) -> None:
    assert "X-Request-Id" in bound.http.http.get("/health").headers


def test_logs_are_structured_and_hold_nothing_that_the_caller_sent(
    compiled: dict[str, CompiledLifecycle],
) -> None:
    """In a process of its own, whose whole output is the log."""
    program = (
        "from chalice.test import Client\nfrom app.main import app\nwith Client(app) as client:\n"
        "    client.http.get('/lifecycles?token=hunter2', headers={'Authorization': 'Bearer hunter2'})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (answered,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (
        answered.items()
        >= {
            "message": "answered",
            "service": "mdlc",
            "method": "GET",
            "route": "/lifecycles",
            "status": 200,
        }.items()
    )
    assert "hunter2" not in done.stdout + done.stderr
