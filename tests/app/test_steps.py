"""The steps of the workflow `register`, through Chalice's own client and fakes for adapters."""

from app.compiled import CompiledLifecycle
from tests.app.conftest import Bound

AT = "2026-11-23T12:58:07.129Z"


def test_inspect_tells_the_lifecycles_to_register(
    bound: Bound, compiled: dict[str, CompiledLifecycle]
) -> None:
    told = bound.http.lambda_.invoke("inspect-stage", {}).payload
    assert told == {
        "status": "ok",
        "cause": "",
        "lifecycles": [{"name": name, "digest": compiled[name].digest} for name in sorted(compiled)],
    }


def test_inspect_tells_what_is_missing(bound: Bound) -> None:
    bound.inspector.existing.clear()
    told = bound.http.lambda_.invoke("inspect-stage", {}).payload
    assert told["status"] == "degraded"
    assert "run `mdlc deploy --stage local`" in told["cause"]


def test_registering_twice_changes_once(bound: Bound) -> None:
    step = {"name": "flights", "digest": "abc", "at": AT}
    changed = [bound.http.lambda_.invoke("register-lifecycle", step).payload["changed"] for _ in range(2)]
    assert changed == [True, False]
    live = bound.registrations.get("flights")
    assert live is not None
    assert live.registered_at == "2026-11-23T12:58:07.129000+00:00"
