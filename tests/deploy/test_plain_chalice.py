"""Chalice without `mdlc`: an unmodified `chalice deploy` works, without the stack too; so does `chalice
local`."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.deploy.conftest import BIN, User, everything, get
from tests.waiting import eventually

REMEDY = "run `mdlc deploy --stage local` to make what the application needs."


@pytest.mark.long
def test_without_the_stack_it_is_degraded_and_says_what_to_do(user: User) -> None:
    done = user.run("chalice", "deploy", "--stage", "local")
    assert done.code == 0, done.error
    assert "Reusing existing shared layer deployment package." in done.out
    api = re.search(r"https://(\w+)\.execute-api", done.out)
    assert api is not None
    url = f"{user.aws.endpoint_url}/_aws/execute-api/{api[1]}/api/"
    health = get(f"{url}health").json
    assert health["status"] == "degraded"
    assert len(health["missing"]) == 5
    assert health["problems"][0].endswith(REMEDY)
    assert get(f"{url}lifecycles").code == 200
    refused = get(f"{url}lifecycles/flights/registration")
    assert refused.code == 503
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json["detail"] == f"Missing is table mdlc-local-lifecycles: {REMEDY}"

    done = user.mdlc("deploy", "--json")
    assert done.code == 0, done.error
    assert done.json["url"] == url, "the API was made anew"
    assert get(f"{url}health").json["status"] == "ok"
    assert user.mdlc("destroy").code == 0
    assert {kind: left for kind, left in everything(user).items() if left} == {}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def local_url(user: User) -> Iterator[str]:
    """A running `chalice local`."""
    port = free_port()
    with subprocess.Popen(
        [BIN / "chalice", "local", "--stage", "local", "--port", str(port), "--no-autoreload"],
        cwd=user.project.root,
        env=user.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        yield f"http://127.0.0.1:{port}/"
        os.killpg(process.pid, signal.SIGKILL)


def test_chalice_local_serves_the_same_routes(local_url: str) -> None:
    def answer() -> object:
        try:
            return get(f"{local_url}health")
        except OSError as error:
            raise AssertionError("not listening yet") from error

    eventually(answer)
    assert json.loads(get(f"{local_url}health").out)["status"] == "degraded"
    assert [one["name"] for one in get(f"{local_url}lifecycles").json["lifecycles"]] == ["flights", "retail"]
    assert get(f"{local_url}lifecycles/flights/registration").code == 503
