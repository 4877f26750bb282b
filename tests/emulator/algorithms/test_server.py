"""The model server: HTTP as clients speak it, workers, and an orderly end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.emulator.algorithms.jobs import LAUNCH, Client, answer, free_port
from tests.waiting import eventually

ECHO = """
import os, sys, threading
from mdlc_emulator.algorithms.server import Response, routes, run

def invoke(request):
    if request.body == b"fail":
        raise RuntimeError("the model failed")
    if request.body == b"pieces":
        return Response(200, (b"piece%d\\n" % number for number in range(3)), "text/csv")
    if request.body == b"process":
        return Response(200, str(os.getpid()))
    if request.body == b"die":
        os._exit(7)
    if request.body.startswith(b"wait "):
        path = request.body[5:].decode()
        open(path + ".begun", "w").close()
        while not os.path.exists(path):
            threading.Event().wait(0.01)
        return Response(200, "waited")
    kind = request.content_type or "application/octet-stream"
    return Response(200, request.body, kind, {"X-Path": request.query})

def load():
    if os.environ.get("LOAD") == "fails":
        raise SystemExit("the model cannot be loaded")
    return routes(invocations=invoke, execution_parameters=lambda: {"MaxPayloadInMB": 6})

run(load)
"""


@contextmanager
def serving(directory: Path, **environment: str) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
    (directory / "echo.py").write_text(ECHO)
    port = free_port()
    package = str(LAUNCH.parents[2])
    server = subprocess.Popen(
        [sys.executable, str(directory / "echo.py")],
        env={**os.environ, "PYTHONPATH": package, "SAGEMAKER_BIND_TO_PORT": str(port), **environment},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    client = Client(port)
    try:
        eventually(client.answers)
        yield client, server
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(10)
        finally:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("echo")) as (client, _):
        yield client


def raw(client: Client, sent: bytes) -> bytes:
    """Everything that is answered to `sent` until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", client.port), 10) as stream:
        stream.sendall(sent)
        stream.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: stream.recv(65536), b""))


def test_the_three_paths_of_the_contract(echo: Client) -> None:
    assert echo.call("GET", "/ping").status == 200
    assert echo.invoke("1,2", "text/csv") == answer_of(200, b"1,2", "text/csv")
    assert echo.call("GET", "/execution-parameters").json() == {"MaxPayloadInMB": 6}
    assert echo.call("GET", "/invocations").status == 405
    assert echo.call("POST", "/ping").status == 405
    assert echo.call("GET", "/else").status == 404


def answer_of(status: int, body: bytes, content_type: str) -> object:
    from tests.emulator.algorithms.jobs import Answer

    return Answer(status, body, content_type)


def test_a_connection_is_kept_for_many_requests(echo: Client) -> None:
    connection = HTTPConnection("127.0.0.1", echo.port, timeout=10)
    connection.connect()
    own = connection.sock.getsockname()
    for number in range(20):
        connection.request("POST", "/invocations", str(number) * number)
        assert answer(connection.getresponse()).body == (str(number) * number).encode()
        assert connection.sock.getsockname() == own
    connection.close()


def test_requests_may_be_sent_before_the_first_is_answered(echo: Client) -> None:
    one = b"POST /invocations?%d HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d"
    said = raw(echo, b"".join(one % (number, number) for number in range(5)))
    assert [said.index(b"X-Path: %d" % number) for number in range(5)] == sorted(
        said.index(b"X-Path: %d" % number) for number in range(5)
    )
    assert said.count(b"HTTP/1.1 200 OK") == 5


def test_a_body_may_come_in_chunks_and_go_in_chunks(echo: Client) -> None:
    connection = HTTPConnection("127.0.0.1", echo.port, timeout=10)
    pieces = [b"a" * 10, b"", b"b" * 300_000, b"c"]
    connection.request(
        "POST", "/invocations", iter(pieces), {"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    assert answer(connection.getresponse()).body == b"".join(pieces)
    connection.request("POST", "/invocations", b"pieces")
    response = connection.getresponse()
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.read() == b"piece0\npiece1\npiece2\n"
    connection.close()


def test_a_client_that_asks_first_is_told_to_go_on(echo: Client) -> None:
    head = b"POST /invocations HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with socket.create_connection(("127.0.0.1", echo.port), 10) as stream:
        stream.sendall(head)
        assert stream.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stream.sendall(b"abc")
        assert stream.recv(1000).endswith(b"\r\n\r\nabc")


def test_a_large_body_goes_there_and_back(tmp_path: Path) -> None:
    body = os.urandom(1 << 20) * 40
    with serving(tmp_path, SAGEMAKER_MAX_PAYLOAD_IN_MB="100") as (client, _):
        assert client.invoke(body).body == body


def test_a_body_over_the_limit_is_refused_before_it_is_read(echo: Client) -> None:
    said = echo.invoke(b"x" * (6 * 1024 * 1024 + 1))
    assert said.status == 413
    assert b"6291456" in said.body
    assert echo.invoke(b"x" * (6 * 1024 * 1024)).status == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /ping HTTP/2.7\r\n\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 1_0\r\n\r\n", 400),
        (b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"GET /ping HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_ended(
    echo: Client, sent: bytes, status: int
) -> None:
    assert raw(echo, sent).startswith(b"HTTP/1.1 %d " % status)
    assert echo.answers()


def test_the_head_alone_is_sent_to_a_head_request(echo: Client) -> None:
    assert raw(echo, b"HEAD /ping HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"\r\n\r\n")


def test_a_fault_of_the_model_is_a_500_and_the_server_goes_on(echo: Client) -> None:
    assert echo.invoke(b"fail").status == 500
    assert echo.invoke(b"ok").body == b"ok"


def test_a_model_that_cannot_be_loaded_ends_the_server(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(ECHO)
    for workers in ("1", "2"):
        environment = {"LOAD": "fails", "SAGEMAKER_MODEL_SERVER_WORKERS": workers}
        done = subprocess.run(
            [sys.executable, str(tmp_path / "echo.py")],
            env={
                **os.environ,
                **environment,
                "PYTHONPATH": str(LAUNCH.parents[2]),
                "SAGEMAKER_BIND_TO_PORT": str(free_port()),
            },
            capture_output=True,
            check=False,
            timeout=20,
        )
        assert done.returncode == 1
        assert b"the model cannot be loaded" in done.stderr


def test_a_request_under_way_is_answered_after_sigterm(tmp_path: Path) -> None:
    from threading import Thread

    with serving(tmp_path) as (client, server):
        found: list[bytes] = []
        signal_file = tmp_path / "go"
        asking = Thread(target=lambda: found.append(client.invoke(f"wait {signal_file}").body))
        asking.start()
        eventually((tmp_path / "go.begun").exists)
        server.send_signal(signal.SIGTERM)
        eventually(lambda: not client.answers())
        signal_file.touch()
        asking.join(10)
        assert found == [b"waited"]
        assert server.wait(10) == 0


def test_workers_are_processes_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="2") as (client, server):

        def processes() -> set[bytes]:
            return {client.invoke(b"process").body for _ in range(20)}

        eventually(lambda: len(processes()) == 2)
        before = processes()
        with pytest.raises(OSError, match=r".*"):
            client.invoke(b"die")
        eventually(lambda: len(processes()) == 2 and processes() != before)
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
        for process in before:
            eventually(lambda process=process: not Path(f"/proc/{process.decode()}").exists())  # type: ignore[misc]
