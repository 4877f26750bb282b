"""HTTP to model servers: whole answers or one clear exception, over connections that are kept."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.sagemaker.servers.health import Ping, ping
from mdlc_emulator.engine.sagemaker.servers.wire import (
    NotListeningError,
    TimedOutError,
    UnansweredError,
    Wire,
)

type Talk = Callable[[socket.socket], None]


class Server:
    """A server that says what the test tells it to, one connection after the other."""

    def __init__(self, talk: Talk) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._talk = talk
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def connect(self, timeout: float) -> socket.socket:
        return socket.create_connection(self._listener.getsockname(), timeout)

    def _serve(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with stream:
                self._talk(stream)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@contextmanager
def serving(talk: Talk) -> Iterator[tuple[Wire, Server]]:
    server = Server(talk)
    wire = Wire(server.connect)
    yield wire, server
    wire.close()
    server.close()


def request(stream: socket.socket) -> bytes:
    """The body of the next request; b"" at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0
    )
    while len(body) < length:
        body += stream.recv(65536)
    return body or b"-"


def answering(answer: Callable[[bytes], bytes]) -> Talk:
    def talk(stream: socket.socket) -> None:
        while body := request(stream):
            stream.sendall(answer(body))

    return talk


def fixed(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-One: two\r\n\r\n" % len(body) + body


def test_connections_are_kept() -> None:
    with serving(answering(fixed)) as (wire, server):
        for number in range(5):
            reply = wire.ask("POST", "/invocations", [("A", "b")], b"%d" % number)
            assert (reply.status, reply.body, reply.headers["x-one"]) == (200, b"%d" % number, "two")
        assert server.connections == 1


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300_000), st.lists(st.integers(1, 70_000), max_size=5))
def test_bodies_arrive_whole_however_they_are_cut(body: bytes, cuts: list[int]) -> None:
    def chunked(stream: socket.socket) -> None:
        if not request(stream):
            return
        stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        rest = body
        for cut in cuts:
            part, rest = rest[:cut], rest[cut:]
            if part:
                stream.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
        if rest:
            stream.sendall(b"%x;extension\r\n" % len(rest) + rest + b"\r\n")
        stream.sendall(b"0\r\n\r\n")

    with serving(chunked) as (wire, _):
        assert wire.ask("POST", "/invocations", body=b"x").body == body
    with serving(answering(fixed)) as (wire, _):
        assert wire.ask("POST", "/invocations", body=body or b"-").body == (body or b"-")


def test_an_answer_without_length_ends_with_its_connection() -> None:
    def talk(stream: socket.socket) -> None:
        request(stream)
        stream.sendall(b"HTTP/1.0 200 OK\r\n\r\nall of it")

    with serving(talk) as (wire, server):
        assert wire.ask("GET", "/ping").body == b"all of it"
        assert wire.ask("GET", "/ping").body == b"all of it"
        assert server.connections == 2


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    def talk(stream: socket.socket) -> None:
        stream.sendall(fixed(request(stream)))  # says nothing of closing, and closes

    with serving(talk) as (wire, server):
        for _ in range(4):
            assert wire.ask("POST", "/", body=b"x").body == b"x"
        assert server.connections == 4


def test_a_server_that_does_not_answer_is_left_in_time() -> None:
    def talk(stream: socket.socket) -> None:
        request(stream)
        stream.recv(1)  # until the other side has had enough

    with serving(talk) as (wire, _), pytest.raises(TimedOutError):
        wire.ask("POST", "/", body=b"x", timeout=0.2)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx",
    ],
)
def test_half_an_answer_is_none(said: bytes) -> None:
    def talk(stream: socket.socket) -> None:
        request(stream)
        stream.sendall(said)

    with serving(talk) as (wire, _), pytest.raises(UnansweredError):
        wire.ask("POST", "/", body=b"x", timeout=5)


def test_an_answer_before_the_end_of_the_request_is_heard() -> None:
    def talk(stream: socket.socket) -> None:
        stream.recv(1000)
        stream.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        stream.shutdown(socket.SHUT_WR)
        while stream.recv(65536):
            pass

    with serving(talk) as (wire, _):
        reply = wire.ask("POST", "/", body=b"x" * 5_000_000)
        assert (reply.status, reply.body) == (413, b"big")


def test_nobody_listening_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(NotListeningError):
        Wire(lambda timeout: socket.create_connection(address, timeout)).ask("GET", "/ping")


def every_request(stream: socket.socket) -> None:
    while request(stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_a_ping_goes_over_the_connection_that_is_kept_and_is_no_sign_of_work() -> None:
    with serving(every_request) as (wire, server):
        wire.ask("POST", "/invocations", body=b"x")
        heard = wire.heard
        seen = ping(wire, lambda: False)
        assert seen == Ping(seen.sent)
        assert wire.heard == heard
        wire.ask("POST", "/invocations", body=b"x")
        assert wire.heard > heard
        assert server.connections == 1


def test_a_ping_takes_no_connection_from_a_request_that_came_meanwhile() -> None:
    with serving(every_request) as (wire, server):
        wire.ask("POST", "/invocations", body=b"x")
        other = Wire(server.connect)
        ping(wire, lambda: True)
        assert other.ask("POST", "/invocations", body=b"x", timeout=5).status == 200
        other.close()


def test_a_server_too_busy_to_take_a_connection_is_late_and_not_away() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        where = listener.getsockname()
        wire = Wire(lambda timeout: socket.create_connection(where, timeout))
        with socket.create_connection(where), pytest.raises(TimedOutError, match="did not take"):
            wire.ask("GET", "/ping", timeout=0.2)
