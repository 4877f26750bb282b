"""HTTP/1.1 on the wire: what is read is what was sent, however it is cut into pieces."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.gateway.http1 import (
    DRAIN_LIMIT,
    EAGER_BODY,
    HEAD_LIMIT,
    PATH_LIMIT,
    Connection,
    Disconnected,
    ProtocolError,
    body_of,
    parse_head,
)

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)
values = st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True)


class Peer:
    """A client that sends `data` in pieces of `size` bytes, and then closes its side."""

    def __init__(self, data: bytes, size: int = 65536) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.thread = threading.Thread(target=self._send, args=(data, size))

    def _send(self, data: bytes, size: int) -> None:
        with contextlib.suppress(OSError):  # whoever refuses a request may hang up
            for start in range(0, len(data), size):
                self.theirs.sendall(data[start : start + size])
            self.theirs.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Connection:
        self.thread.start()
        return Connection(self.ours)

    def __exit__(self, *_: object) -> None:
        self.ours.close()
        self.thread.join()
        self.theirs.close()


def request(headers: list[tuple[str, str]], body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"POST /x?y HTTP/1.1\r\n{lines}\r\n".encode() + body


@given(st.lists(st.tuples(names, values), max_size=8), st.binary(max_size=40), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_pipelined_requests_are_read_one_by_one(headers: list[tuple[str, str]], body: bytes, size: int):
    reserved = {"content-length", "transfer-encoding", "expect", "connection"}
    headers = [(name, value) for name, value in headers if name.lower() not in reserved]
    one = request([*headers, ("Content-Length", str(len(body)))], body)
    with Peer(one * 3, size) as connection:
        for _ in range(3):
            head = connection.read_head()
            assert head is not None
            assert (head.method, head.target) == ("POST", "/x?y")
            assert head.headers[:-1] == headers
            assert body_of(connection, head).stream.read() == body
        assert connection.read_head() is None


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=6), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_a_chunked_body_is_put_together_and_the_next_request_follows(chunks: list[bytes], size: int):
    coded = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    data = request([("Transfer-Encoding", "chunked")], coded + b"0\r\nTrailer: x\r\n\r\n") + request([], b"")
    with Peer(data, size) as connection:
        head = connection.read_head()
        assert head is not None
        assert body_of(connection, head).stream.read() == b"".join(chunks)
        assert connection.read_head() is not None


def test_a_long_body_is_read_as_it_is_asked_for():
    size = EAGER_BODY * 4
    with Peer(request([("Content-Length", str(size))], b"a" * size) + request([], b"")) as connection:
        head = connection.read_head()
        assert head is not None
        body = body_of(connection, head)
        assert body.stream.read(10) == b"a" * 10
        assert body.raw is not None
        assert body.raw.left > 0
        assert body.drain() is (size <= DRAIN_LIMIT)


def test_a_client_that_waits_is_told_to_continue():
    peer = Peer(request([("Content-Length", "2"), ("Expect", "100-continue")], b"ab"))
    with peer as connection:
        head = connection.read_head()
        assert head is not None
        assert body_of(connection, head).stream.read() == b"ab"
        assert peer.theirs.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("length", [5, EAGER_BODY + 5])
def test_a_body_cut_short_is_an_error_and_not_a_shorter_body(length: int):
    with Peer(request([("Content-Length", str(length))], b"abc")) as connection:
        head = connection.read_head()
        assert head is not None
        with pytest.raises(Disconnected):
            body_of(connection, head).stream.read()


def test_a_chunked_body_cut_short_is_an_error():
    with Peer(request([("Transfer-Encoding", "chunked")], b"5\r\nab")) as connection:
        head = connection.read_head()
        assert head is not None
        with pytest.raises(Disconnected):
            body_of(connection, head).stream.read()


@pytest.mark.parametrize(
    "raw",
    [b"GET /", b"GET / SPDY/1", b"GET / HTTP/1.1\r\nno colon", b"GET / HTTP/1.1\r\n A: b"],
)
def test_what_is_no_request_is_refused(raw: bytes):
    with pytest.raises(ProtocolError) as refused:
        parse_head(raw)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Content-Length", "-1")], 400),
        ([("Content-Length", "1e3")], 400),
        ([("Transfer-Encoding", "gzip")], 501),
    ],
)
def test_a_body_that_cannot_be_told_is_refused(headers: list[tuple[str, str]], status: int):
    with Peer(request(headers, b"")) as connection:
        head = connection.read_head()
        assert head is not None
        with pytest.raises(ProtocolError) as refused:
            body_of(connection, head)
    assert refused.value.status == status


def test_an_endless_head_is_refused():
    with Peer(b"GET / HTTP/1.1\r\nA: " + b"a" * (HEAD_LIMIT * 2)) as connection:
        with pytest.raises(ProtocolError) as refused:
            connection.read_head()
        assert refused.value.status == 431


def test_a_path_that_would_hold_up_everybody_is_refused():
    with Peer(b"GET /" + b"a" * PATH_LIMIT + b" HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        with pytest.raises(ProtocolError) as refused:
            connection.read_head()
        assert refused.value.status == 414
    with Peer(b"GET /?" + b"a" * PATH_LIMIT * 2 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n") as connection:
        assert connection.read_head() is not None  # a query may be long


def test_two_lengths_that_contradict_each_other_are_refused():
    with Peer(b"POST / HTTP/1.1\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\nhello") as connection:
        with pytest.raises(ProtocolError) as refused:
            connection.read_head()
        assert refused.value.status == 400


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        ("HTTP/1.1", "", True),
        ("HTTP/1.1", "close", False),
        ("HTTP/1.0", "", False),
        ("HTTP/1.0", "Keep-Alive", True),
    ],
)
def test_connections_are_kept_as_the_version_says(version: str, connection: str, kept: bool):
    line = f"GET / {version}\r\nConnection: {connection}".encode()
    assert parse_head(line).keep_alive is kept
