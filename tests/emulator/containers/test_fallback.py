"""Where namespaces are forbidden: what is translated, and who is told."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.containers.contract import ContainerSpec, Mount, Network
from mdlc_emulator.engine.containers.without import translated
from mdlc_emulator.launcher import start
from mdlc_emulator.pytest_plugin import Aws

from cli.checks import Verdict, containers
from tests.emulator.containers.conftest import Runner, allowed, jobs_of, runner
from tests.waiting import eventually


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    yield from runner("none", tmp_path_factory.mktemp("none"))


def test_paths_of_the_contract_lead_to_the_jobs_own_directory(
    plain: Runner, ml: Path, tmp_path: Path
) -> None:
    (ml / "input/x").write_text("x")
    (tmp_path / "code").mkdir()
    (tmp_path / "code/y").write_text("y")
    script = (
        'cat /opt/ml/input/x $WHERE/x /srv/code/y; cat "$SAGEMAKER_BASE_DIR/input/x"; touch $TMPDIR/z; pwd'
    )
    lines = plain.sh(
        script,
        ml=ml,
        environment={"WHERE": "/opt/ml/input"},
        mounts=[Mount(tmp_path / "code", "/srv/code")],
        working_directory="/opt/ml/model",
    )
    assert lines == [f"xxyx{ml}/model"]


@given(
    st.lists(
        st.sampled_from(["/opt/ml", "/opt/mlx", "/opt/ml/model", "/x/opt/ml", "a", ":", "=", " ", ",", "'"])
    )
)
def test_only_whole_paths_are_translated(words: list[str]) -> None:
    text = "".join(f"{word}|" for word in words)
    with tempfile.TemporaryDirectory() as place:
        spec = ContainerSpec("job", ["true", text], {"A": text}, ml=Path("/the/place"))
        found = translated(spec, Path(place)).spec
    swap = {"/opt/ml": "/the/place", "/opt/ml/model": "/the/place/model"}
    expected = "".join(f"{swap.get(word, word)}|" for word in words)
    assert found.command == ["true", expected]
    assert found.environment["A"] == expected
    assert found.environment["SAGEMAKER_BASE_DIR"] == "/the/place"


def test_two_servers_that_heed_their_port_are_told_apart(plain: Runner) -> None:
    code = """
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])))
while True:
    listener.accept()[0].sendall(os.environ["WORD"].encode())
"""
    servers = [
        plain.python(code, environment={"WORD": word}, ports=[8080], network=Network.PRIVATE) for word in "ab"
    ]

    def answers() -> list[bytes]:
        found = []
        for server in servers:
            try:
                with server.connect(8080, 2) as stream:
                    found.append(stream.recv(10))
            except OSError:
                found.append(b"")
        return found

    eventually(lambda: answers() == [b"a", b"b"])
    for server in servers:
        server.stop(0)
        server.wait(10)
    with pytest.raises(OSError, match="refused"):
        servers[0].connect(8080, 1)


def test_everybody_is_told() -> None:
    instance = start(settings={"MDLC_CONTAINERS": "off"})

    def asked(path: str) -> dict[str, object]:
        found: dict[str, object] = json.load(urlopen(f"{instance.endpoint_url}/_mdlc/{path}"))
        return found

    try:
        assert asked("status")["containers"] == {"isolation": "unknown", "reason": "no job has run yet"}
        batch = jobs_of(Aws(instance.endpoint_url))
        queue = batch.queue(batch.environment())
        assert batch.output(queue, batch.shell("echo done")) == ["done"]
        told = asked("status")["containers"]
        assert isinstance(told, dict)
        assert (told["isolation"], told["reason"]) == ("base-directory", "switched off")
        assert "run without namespaces (switched off)" in str(asked("fidelity")["limits"])
    finally:
        instance.stop()


def test_the_doctor_has_tried_it() -> None:
    finding = containers()
    possible = "" in (allowed("root"), allowed("user"))
    assert finding.verdict is (Verdict.OK if possible else Verdict.NOTE)
    assert finding.detail.startswith("namespaces work") is possible
