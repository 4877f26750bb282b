"""Whoever is killed, no process of a container is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from mdlc_emulator import engine
from mdlc_emulator.engine.containers.contract import Network
from mdlc_emulator.launcher import start
from mdlc_emulator.pytest_plugin import Aws
from mdlc_emulator.supervisor.host import descendants

from tests.emulator.containers.conftest import MODES, Runner, allowed, jobs_of
from tests.waiting import eventually

HOLDER = """
import sys
from pathlib import Path
from mdlc_emulator.engine.containers.contract import ContainerSpec
from mdlc_emulator.engine.containers.host import HostContainers
containers = HostContainers(Path(sys.argv[1]))
script = f"trap '' TERM HUP; setsid sh -c 'sleep 300; : {sys.argv[2]}' & sh -c 'sleep 300; : {sys.argv[2]}'"
containers.start(ContainerSpec("job", ["sh", "-c", script], {"PATH": "/usr/bin:/bin"}), print)
print(containers.known().mode, flush=True)
sys.stdin.read()
"""


def marked(mark: str) -> list[int]:
    """Processes whose command line holds `mark`, but for our own."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "cmdline").read_text():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def holder(python: str, home: Path, mark: str, mode: str, **more: object) -> subprocess.Popen[str]:
    source = Path(engine.__file__).parents[2]
    return subprocess.Popen(
        [python, "-c", HOLDER, str(home / "containers"), mark],
        env={"PATH": os.defpath, "PYTHONPATH": str(source), "MDLC_CONTAINERS": MODES[mode]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **more,  # type: ignore[call-overload]
    )


@pytest.mark.parametrize("mode", list(MODES))
def test_the_process_that_started_it(mode: str, tmp_path: Path) -> None:
    if reason := allowed(mode):
        pytest.skip(reason)
    mark = uuid.uuid4().hex
    process = holder(sys.executable, tmp_path, mark, mode)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == mode
    eventually(lambda: len(marked(f": {mark}")) >= 3)
    process.kill()
    process.wait()
    eventually(lambda: not marked(mark), within=5)


def test_the_process_that_forks_containers(run: Runner) -> None:
    container = run.start("sh", "-c", "trap '' TERM HUP; echo up; sleep 300")
    eventually(lambda: run.lines == ["up"])
    command = container.process_id
    zygote = run.containers._zygote
    assert zygote is not None
    os.kill(zygote._process.pid, signal.SIGKILL)
    ended = container.wait(10)
    assert ended is not None
    assert ended.code == 137
    eventually(lambda: not Path(f"/proc/{command}/stat").exists(), within=5)
    assert run.sh("echo again") == ["again"]


def test_stop_all_ends_everything_within_the_time_of_a_shutdown(apart: Runner) -> None:
    from mdlc_emulator.engine.containers.contract import ContainerError, ContainerSpec
    from mdlc_emulator.engine.containers.host import HostContainers

    containers = HostContainers(apart.home / "ending")
    spec = ContainerSpec("job", ["sh", "-c", "trap '' TERM HUP; sleep 300"], {"PATH": "/usr/bin:/bin"})
    started = [containers.start(spec, print) for _ in range(4)]
    began = time.monotonic()
    containers.stop_all()
    assert time.monotonic() - began < 0.7
    assert [ended.code for one in started if (ended := one.wait(5)) is not None] == [137] * 4
    with pytest.raises(ContainerError, match="ending"):
        containers.start(spec, print)


def test_an_ordinary_user_has_containers_too(tmp_path: Path) -> None:
    """Under the system's own interpreter: ours may lie where others cannot read."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    source = Path(engine.__file__)
    if os.geteuid() != 0 or python is None or not source.stat().st_mode & 0o004:
        pytest.skip("only root can become somebody else, and needs an interpreter that everybody can read")
    tmp_path.chmod(0o777)
    for directory in tmp_path.parents:
        if not directory.stat().st_mode & 0o001:
            directory.chmod(directory.stat().st_mode | 0o011)
    mark = uuid.uuid4().hex
    process = holder(python, tmp_path, mark, "root", user=65534, group=65534, extra_groups=[])
    assert process.stdout is not None
    assert process.stdout.readline().strip() in ("user", "none")
    eventually(lambda: len(marked(f": {mark}")) >= 3)
    process.kill()
    process.wait()
    eventually(lambda: not marked(mark), within=5)


@pytest.mark.parametrize(
    "victim",
    [
        "engine",
        pytest.param("supervisor", marks=pytest.mark.long),
        pytest.param("asked", marks=pytest.mark.long),
    ],
)
def test_the_emulator(victim: str) -> None:
    """`asked`: it is not killed but told to end."""
    mark = uuid.uuid4().hex
    instance = start()
    try:
        batch = jobs_of(Aws(instance.endpoint_url))
        queue = batch.queue(batch.environment())
        job = batch.submit(queue, batch.shell(f"trap '' TERM HUP; sh -c 'sleep 300; : {mark}'"))
        batch.until(job, "RUNNING")
        eventually(lambda: len(marked(mark)) >= 2)
        if victim == "asked":
            instance.stop()
        else:
            record = instance.record()
            assert record is not None
            os.kill(record.engine_pid if victim == "engine" else record.supervisor_pid, signal.SIGKILL)
        eventually(lambda: not marked(mark), within=5)
    finally:
        instance.stop()


def test_the_way_out_of_private_networks(apart: Runner) -> None:
    """It is made anew for the next container."""
    assert apart.sh("env | grep -c HTTPS_PROXY", network=Network.PRIVATE) == ["1"]
    zygote = apart.containers._zygote
    assert zygote is not None
    [first] = eventually(lambda: len(below := children(zygote._process.pid)) == 1 and below)
    gates = eventually(lambda: children(first))
    for gate in gates:
        os.kill(gate, signal.SIGKILL)
    eventually(lambda: not [gate for gate in gates if Path(f"/proc/{gate}").exists()])
    assert apart.sh("env | grep -c HTTPS_PROXY", network=Network.PRIVATE) == ["1"]
    assert eventually(lambda: children(first)) != gates


def children(pid: int) -> list[int]:
    below = descendants(pid)
    return [child for child in below if _parent(child) == pid]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
