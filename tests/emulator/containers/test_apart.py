"""A container has a place of its own, and what it does there is seen by nobody else."""

from __future__ import annotations

import grp
import os
import shutil
import socket
import threading
import uuid
import venv
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mdlc_emulator.engine.containers.contract import Container, ContainerError, Mount, Network
from mdlc_emulator.engine.containers.host import HostContainers

from tests.emulator.conftest import variable
from tests.emulator.containers.conftest import MODES, OUTSIDE, Runner
from tests.waiting import eventually

SERVER = """
import socket, sys
listener = socket.create_server(("", 8080), backlog=64)
while True:
    stream, _ = listener.accept()
    stream.sendall(sys.argv[1].encode())
    stream.close()
"""


def test_opt_ml_is_the_callers_directory(apart: Runner, ml: Path) -> None:
    (ml / "input/data.csv").write_text("1,2\n")
    assert apart.sh("cat /opt/ml/input/data.csv; cp /opt/ml/input/data.csv /opt/ml/model/m", ml=ml) == ["1,2"]
    assert (ml / "model/m").read_text() == "1,2\n"


def test_the_machines_files_are_there_and_what_is_written_to_them_vanishes(apart: Runner) -> None:
    name = f"mdlc-{uuid.uuid4().hex}"
    places = f"/etc/{name} /usr/{name} /var/{name} /{name} /opt/{name} {OUTSIDE}/{name}"
    facts = apart.containers.known()
    if facts is None or not facts.writable:
        pytest.skip("this kernel lets users have no overlays")
    assert apart.sh(f"touch {places} && ls {places} | wc -l") == ["6"]
    assert apart.sh(f"ls {places} 2>/dev/null | wc -l") == ["0"]
    assert not [place for place in places.split() if Path(place).exists()]
    assert apart.sh(f"cat {__file__} | head -1") == [Path(__file__).read_text().splitlines()[0]]


def test_a_file_that_a_container_removes_is_still_there(apart: Runner, tmp_path: Path) -> None:
    kept = OUTSIDE / f"mdlc-kept-{uuid.uuid4().hex}"
    kept.write_text("kept")
    try:
        apart.sh(f"rm {kept} && ! test -e {kept} || ! touch {kept}")  # removed, or nothing can be
        assert kept.read_text() == "kept"
    finally:
        kept.unlink()


def test_tmp_and_shared_memory_are_its_own(apart: Runner) -> None:
    name = f"mdlc-{uuid.uuid4().hex}"
    assert apart.sh(f"touch /tmp/{name} /dev/shm/{name}; ls /tmp /dev/shm | grep -c {name}") == ["2"]
    assert not Path("/tmp", name).exists()
    assert not Path("/dev/shm", name).exists()
    assert apart.sh("ls /tmp /dev/shm | grep -c mdlc-; true") == ["0"]


def test_shared_memory_has_the_size_asked_for(apart: Runner) -> None:
    assert apart.sh("df -k /dev/shm | tail -1 | awk '{print $2}'", shared_memory_mib=32) == [str(32 << 10)]


def test_it_is_alone_with_its_processes(apart: Runner) -> None:
    lines = apart.sh("echo $$; ls /proc | grep -c '^[0-9]'; kill -9 1; echo alive")
    assert int(lines[0]) < 10
    assert int(lines[1]) < 6
    assert lines[-1] == "alive"


def test_its_name_is_algo_1_and_resolves(apart: Runner) -> None:
    code = "import socket; print(socket.gethostname(), socket.gethostbyname('algo-1'))"
    apart.python(code).wait(20)
    assert apart.lines == ["algo-1 127.0.0.1"]
    apart.python(code.replace("algo-1", "algo-2"), host_name="algo-2").wait(20)
    assert apart.lines == ["algo-2 127.0.0.1"]


def test_mounts_appear_where_they_are_asked_for(apart: Runner, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/x").write_text("x")
    (tmp_path / "f").write_text("f")
    mounts = [
        Mount(tmp_path / "d", "/mnt/deep/in/d"),
        Mount(tmp_path / "d", "/tmp/d", read_only=False),
        Mount(tmp_path / "f", "/etc/mdlc-test-file"),
        Mount(tmp_path / "d", "/new/at/the/top"),
        Mount(tmp_path / "d", "/opt/ml/processing/d", read_only=False),
    ]
    ml = tmp_path / "ml"
    ml.mkdir()
    script = """
cat /mnt/deep/in/d/x /tmp/d/x /etc/mdlc-test-file /new/at/the/top/x /opt/ml/processing/d/x; echo
touch /mnt/deep/in/d/no 2>/dev/null && echo wrong; touch /tmp/d/yes && echo written"""
    assert apart.sh(script, mounts=mounts, ml=ml) == ["xxfxx", "written"]
    assert (tmp_path / "d/yes").exists()


def test_a_read_only_root_leaves_the_writable_places(apart: Runner, ml: Path) -> None:
    script = "for p in / /usr /etc /run /opt; do touch $p/x 2>/dev/null && echo $p; done; " + (
        "touch /tmp/x /dev/shm/x /opt/ml/model/x && echo ok"
    )
    assert apart.sh(script, ml=ml, read_only_root=True) == ["ok"]


def test_packages_installed_inside_stay_inside(apart: Runner, tmp_path: Path) -> None:
    """As script mode installs a requirements.txt: into the environment that the interpreter is of."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='mdlc-probe', py_modules=['mdlc_probe'])"
    )
    (package / "mdlc_probe.py").write_text("WORD = 'installed'\n")
    facts = apart.containers.known()
    if facts is None or not facts.writable:
        pytest.skip("this kernel lets users have no overlays")
    environment = OUTSIDE / f"mdlc-environment-{uuid.uuid4().hex}"
    venv.create(environment, symlinks=True)
    try:
        site = next(environment.glob("lib/python*/site-packages"))
        script = (
            f"cp /mnt/p/mdlc_probe.py {site}/ "
            f"&& {environment}/bin/python -c 'import mdlc_probe; print(mdlc_probe.WORD)'"
        )
        assert apart.sh(script, mounts=[Mount(package, "/mnt/p")]) == ["installed"]
        assert not Path(site, "mdlc_probe.py").exists()
    finally:
        shutil.rmtree(environment)


def test_dangerous_rights_are_gone(apart: Runner) -> None:
    script = """
mount -t tmpfs none /mnt 2>/dev/null && echo mounted
mknod /tmp/disk b 254 0 2>/dev/null && echo device
echo 1 2>/dev/null > /proc/sys/kernel/sysrq && echo sysctl
echo ok"""
    assert [line for line in apart.sh(script) if "cannot create" not in line] == ["ok"]


@pytest.fixture
def servers(apart: Runner) -> Iterator[list[Container]]:
    """Two servers that insist on port 8080, one with a private and one without any network."""
    started = [
        apart.python(f"import sys; sys.argv = ['', {word!r}]\n{SERVER}", network=network, ports=[8080])
        for word, network in (("one", Network.PRIVATE), ("two", Network.ISOLATED))
    ]
    yield started
    for server in started:
        server.stop(0)
        server.wait(10)


def answer(container: Container) -> str:
    try:
        with container.connect(8080, 2) as stream:
            return stream.recv(100).decode()
    except ConnectionRefusedError:
        return ""


def test_two_servers_on_one_port_are_told_apart(servers: list[Container]) -> None:
    assert [eventually(lambda server=server: answer(server)) for server in servers] == ["one", "two"]


def test_nothing_listens_on_another_port(servers: list[Container]) -> None:
    eventually(lambda: answer(servers[0]))
    with pytest.raises(ConnectionRefusedError):
        servers[0].connect(8081, 1)


REACH = """
import socket, sys
for host, port in (("127.0.0.1", int(sys.argv[1])), ("192.0.2.1", 80)):
    try:
        with socket.create_connection((host, port), 1) as stream:
            print(stream.recv(100).decode())
    except OSError as error:
        print("no")
"""


class Greeter:
    """Something that listens at an address of this machine, as the emulator does."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.serve_also(self._listener)

    def serve_also(self, listener: socket.socket) -> None:
        threading.Thread(target=self._greet, args=(listener,), daemon=True).start()

    def _greet(self, listener: socket.socket) -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            with stream:
                stream.sendall(b"emulator")

    def serve_no_more(self, listener: socket.socket) -> None:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize(
    ("network", "seen"), [(Network.HOST, "emulator"), (Network.PRIVATE, "emulator"), (Network.ISOLATED, "no")]
)
def test_who_reaches_the_emulator(apart: Runner, network: Network, seen: str) -> None:
    greeter = Greeter()
    containers = HostContainers(apart.home / "greeted", greeter)
    try:
        with variable("MDLC_CONTAINERS", MODES.get(apart.mode, apart.mode)):
            other = Runner(apart.mode, containers, apart.home)
            code = f"import sys; sys.argv = ['', '{greeter.port}']\n{REACH}"
            other.python(code, network=network).wait(20)
            assert other.lines[0] == seen
    finally:
        containers.stop_all()
        greeter.serve_no_more(greeter._listener)


def test_the_users_and_their_rights(run: Runner) -> None:
    if run.mode == "root" or (run.mode == "none" and os.geteuid() == 0):
        assert run.sh("id -u; id -g", user="1234:5678") == ["1234", "5678"]
        assert run.sh("id -u; id -g", user="1234:daemon") == ["1234", str(grp.getgrnam("daemon").gr_gid)]
        with pytest.raises(ContainerError, match="no such group"):
            run.sh("id", user="0:no-such-group")
    if run.isolated:
        assert run.sh("id -u") == ["0"]


def test_limits_of_the_process(run: Runner) -> None:
    script = "ulimit -Sn; ulimit -Hn; ulimit -c"
    lines = run.sh(script, ulimits={"nofile": (100, 200)})
    assert lines == ["100", "200", "0"]
    assert run.sh("ulimit -n", open_files=77) == ["77"]


SPIN = "import time\nend = time.time() + 0.8\nwhile time.time() < end: pass\nprint(time.process_time())"


def test_a_share_of_the_processors_is_a_quota_where_groups_can_be_made(run: Runner) -> None:
    facts = run.containers.known()
    if facts is None or not facts.quota:
        pytest.skip("no control groups can be made here")
    run.python(SPIN, cpus=0.25).wait(20)
    assert float(run.lines[0]) < 0.45


def test_nothing_of_the_emulators_environment_is_passed_on(run: Runner) -> None:
    with variable("MDLC_SECRET", "1"):
        assert run.sh("env | grep -c MDLC_SECRET; true") == ["0"]


OUT = """
import http.client, os, sys, urllib.parse
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
for target in sys.argv[1:]:
    connection = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=5)
    try:
        if target.startswith("http"):
            connection.request("GET", target, headers={"Proxy-Connection": "keep-alive"})
            answer = connection.getresponse()
            print(answer.status, answer.read().decode().strip())
        else:
            host, port = target.split(":")
            connection.set_tunnel(host, int(port))
            connection.request("GET", "/inside")
            print(connection.getresponse().read().decode())
    except OSError as error:
        print(error)
"""


@pytest.fixture
def web() -> Iterator[str]:
    """A web server of this machine that is not on a loopback address."""
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but the loopback interface's")

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{self.path} {self.headers.get('Proxy-Connection')}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((address, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{address}:{server.server_port}"
        server.shutdown()


def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # sends nothing
        except OSError:
            return ""
        address = str(probe.getsockname()[0])
        return "" if address.startswith("127.") else address


def test_a_private_network_has_a_way_out_for_http_but_not_to_this_machine(apart: Runner, web: str) -> None:
    targets = [web, f"http://{web}/plain?x=1", "127.0.0.1:9", "http://localhost:9/", f"{web.split(':')[0]}:1"]
    code = f"import sys; sys.argv[1:] = {targets!r}\n{OUT}"
    ended = apart.python(code, network=Network.PRIVATE).wait(30)
    assert ended is not None
    assert ended.code == 0, apart.lines
    assert apart.lines[:2] == ["/inside None", "200 /plain?x=1 None"]
    assert "502" in apart.lines[2]
    assert "own: containers do not reach it" in apart.lines[3]
    assert "502" in apart.lines[4]


def test_an_isolated_network_has_no_way_out(apart: Runner) -> None:
    assert apart.sh("env | grep -ci proxy; true", network=Network.ISOLATED) == ["0"]
    assert apart.sh("env | grep -i proxy", environment={"HTTPS_PROXY": "x"}, network=Network.PRIVATE) == [
        "HTTPS_PROXY=x"
    ]


def test_a_directory_that_is_removed_and_made_anew_is_empty(apart: Runner) -> None:
    facts = apart.containers.known()
    if facts is None or not facts.writable:
        pytest.skip("this kernel lets users have no overlays")
    kept = OUTSIDE / f"mdlc-kept-{uuid.uuid4().hex}"
    (kept / "deep").mkdir(parents=True)
    (kept / "deep/file").write_text("kept")
    try:
        script = f"cd {kept.parent}; rm -r {kept.name}; mkdir {kept.name}; ls {kept.name} | wc -l"
        assert apart.sh(script) == ["0"]
        assert (kept / "deep/file").read_text() == "kept"
    finally:
        shutil.rmtree(kept)
