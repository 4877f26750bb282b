"""Starting and finding emulators."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import boto3
import pytest
from mdlc_emulator.launcher import (
    AlreadyRunningError,
    EmulatorError,
    Instance,
    NothingRunningError,
    PortTakenError,
    StartError,
    instances,
    running,
    start,
)
from mdlc_emulator.launcher.environment import engine_environment
from mdlc_emulator.launcher.state import Record, find, record_path
from mdlc_emulator.supervisor import host
from mdlc_emulator.supervisor.sweep import remove_tree

from tests.emulator.conftest import state_home

pytestmark = pytest.mark.xdist_group("launcher")


def buckets(instance: Instance) -> set[str]:
    return {bucket["Name"] for bucket in s3(instance).list_buckets()["Buckets"]}


def s3(instance: Instance):  # type: ignore[no-untyped-def] # boto3 has no types of its own
    return boto3.client(
        "s3",
        endpoint_url=instance.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="module")
def instance(module_state: Path) -> Iterator[Instance]:
    """One for the tests that only look."""
    running_one = start()
    yield running_one
    running_one.stop()


def test_it_answers_when_start_returns(instance: Instance) -> None:
    with urlopen(f"{instance.endpoint_url}/_localstack/health", timeout=5) as answer:
        assert json.load(answer)["version"] == "2026.3.0"


def test_it_listens_on_the_loopback_interface_only(instance: Instance) -> None:
    listening = [
        fields[1]
        for row in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if (fields := row.split())[3] == "0A" and int(fields[1].split(":")[1], 16) == instance.port
    ]
    assert listening == [f"0100007F:{instance.port:04X}"]


def test_two_run_side_by_side_and_share_nothing(instance: Instance) -> None:
    other = start()
    try:
        s3(instance).create_bucket(Bucket="only-here")
        assert buckets(instance) == {"only-here"}
        assert buckets(other) == set()
        assert {one.port for one in instances()} == {instance.port, other.port}
    finally:
        other.stop()


def test_other_processes_find_it(instance: Instance) -> None:
    code = "from mdlc_emulator.launcher import instances; print([i.port for i in instances()])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(found) == [instance.port]


def test_its_temporary_files_stay_in_its_home(instance: Instance) -> None:
    engine = instance.record()
    assert engine is not None
    variables = Path(f"/proc/{engine.engine_pid}/environ").read_bytes().split(b"\0")
    assert f"TMPDIR={instance.home}/tmp".encode() in variables


def test_its_supervisor_is_small(instance: Instance) -> None:
    rollup = Path(f"/proc/{instance.supervisor_pid}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    assert pss < 20_000, f"{pss} kB"


def test_a_second_one_on_the_same_port_is_told_of_the_first(instance: Instance) -> None:
    with pytest.raises(
        AlreadyRunningError, match=rf"already runs on port {instance.port} .*mdlc down --port"
    ):
        start(instance.port)


def test_a_taken_port_names_its_holder(own_state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError) as failure:
            start(port)
    assert f"Port {port} is taken by " in str(failure.value)
    assert f"(pid {os.getpid()})" in str(failure.value)
    assert not isinstance(failure.value, AlreadyRunningError)


def test_a_port_that_does_not_exist_is_said(own_state: Path) -> None:
    with pytest.raises(EmulatorError, match="Port 70000 does not exist: choose one from 1024 to 65535"):
        start(70000)


def test_whoever_connects_before_it_is_ready_waits_instead_of_failing(own_state: Path) -> None:
    """The port opens with the launch, so a client started at the same time needs no retries."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answers: list[int] = []

    def early_client() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    client.sendall(
                        b"GET /_localstack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                    )
                    client.settimeout(30)
                    answers.append(int(client.recv(12).split()[1]))
                    return

    client = threading.Thread(target=early_client)
    client.start()
    instance = start(port)
    client.join()
    instance.stop()
    assert answers == [200]


def test_an_engine_that_cannot_start_shows_why(own_state: Path) -> None:
    with pytest.raises(StartError) as failure:
        start(settings={"GATEWAY_SERVER": "no-such-server"})
    assert "no-such-server" in str(failure.value)
    assert "no-such-server" in failure.value.log_tail
    assert instances() == []


def test_an_engine_that_is_too_slow_is_ended(own_state: Path) -> None:
    with pytest.raises(StartError, match=r"not ready within 0\.01 s"):
        start(timeout=0.01)
    assert instances() == []


def test_a_state_directory_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with (
        state_home(tmp_path / "file"),
        pytest.raises(StartError, match=r"cannot be written \(.*\): name another place by XDG_STATE_HOME"),
    ):
        start()


def test_settings_reach_the_engine(own_state: Path) -> None:
    instance = start(settings={"MDLC_STRICT": "1"})
    try:
        record = instance.record()
        assert record is not None
        assert b"MDLC_STRICT=1" in Path(f"/proc/{record.engine_pid}/environ").read_bytes().split(b"\0")
    finally:
        instance.stop()


def test_nothing_running_is_said_with_the_way_out(own_state: Path) -> None:
    with pytest.raises(NothingRunningError, match="start one with `mdlc up`"):
        running()
    with pytest.raises(NothingRunningError, match="start one with `mdlc up --port 4567`"):
        running(4567)


def write_record(home: Path, port: int, pid: int, mark: str | None) -> None:
    path = record_path(port)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"port": port, "home": str(home), "engine": [pid, mark], "supervisor": [pid, mark], "since": 0}
    path.write_text(json.dumps(record | {"details": {}}))


def test_what_a_crashed_machine_left_is_swept(own_state: Path, tmp_path: Path) -> None:
    home = tmp_path / "mdlc-emulator-left"
    (home / "tmp").mkdir(parents=True)
    with subprocess.Popen(["true"]) as ended:
        mark = host.start_mark(ended.pid)
    write_record(home, 4999, ended.pid, mark or "1")
    assert find(4999) is None
    assert not home.exists()
    assert not record_path(4999).exists()


def test_a_pid_given_to_another_process_is_not_mistaken(own_state: Path, tmp_path: Path) -> None:
    write_record(tmp_path / "gone", 4999, os.getpid(), "1")
    assert find(4999) is None


def test_a_broken_record_is_no_instance(own_state: Path) -> None:
    record_path(4999).parent.mkdir(parents=True)
    record_path(4999).write_text("{")
    assert Record.read(record_path(4999)) is None
    assert instances() == []


def test_the_callers_aws_settings_do_not_reach_the_engine() -> None:
    caller = {
        "AWS_PROFILE": "work",
        "AWS_ENDPOINT_URL": "https://elsewhere",
        "PYTHONDONTWRITEBYTECODE": "1",
        "VIRTUAL_ENV": "/somewhere",
        "DEBUG": "1",
        "no_proxy": "intranet",
    }
    found = engine_environment(caller, port=4566, home=Path("/home"), settings={"X": "1"})
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"} & found.keys()
    assert found["DEBUG"] == "1"
    assert found["X"] == "1"
    assert found["no_proxy"].split(",") == ["intranet", "localhost", "127.0.0.1", "::1"]


def test_a_tree_without_rights_is_removed_all_the_same(tmp_path: Path) -> None:
    locked = tmp_path / "home" / "locked"
    (locked / "inner").mkdir(parents=True)
    (locked / "inner" / "file").write_text("x")
    (locked / "inner").chmod(0)
    locked.chmod(0)
    assert remove_tree(str(tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_descendants_are_found_through_all_generations() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"]) as shell:
        try:
            deadline = time.monotonic() + 10
            while len(found := host.descendants(shell.pid)) < 1 and time.monotonic() < deadline:
                pass
            assert set(found) <= set(host.descendants(os.getpid()))
            host.kill_descendants(shell.pid)
            assert shell.wait(10) is not None
        finally:
            shell.kill()
