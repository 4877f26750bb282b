"""Requests of a runtime are the same however the network cuts them up."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.functions.http_requests import BadRequestError, Request, RequestParser

TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).filter(
    lambda name: name not in ("content-length", "transfer-encoding", "expect")
)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, Request]:
    """A request on the wire, sized or chunked, and what it means."""
    body = draw(st.binary(max_size=300))
    headers = draw(st.dictionaries(TOKENS, VALUES, max_size=3))
    path = "/" + draw(TOKENS)
    lines = [f"POST {path} HTTP/1.1", *(f"{name.title()}:  {value} " for name, value in headers.items())]
    expected = {name: value.strip() for name, value in headers.items()}
    trailers: dict[str, str] = {}
    if draw(st.booleans()):
        trailers = draw(st.dictionaries(TOKENS, VALUES, max_size=2))
        cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=4)))
        pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True) if b > a]
        lines.append("Transfer-Encoding: chunked")
        expected["transfer-encoding"] = "chunked"
        sent = b"".join(b"%x;note=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n"
        sent += "".join(f"{name}: {value}\r\n" for name, value in trailers.items()).encode() + b"\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
        expected["content-length"] = str(len(body))
        sent = body
    wire = "\r\n".join(lines).encode() + b"\r\n\r\n" + sent
    return wire, Request("POST", path, expected, body, len(body), trailers)


@settings(deadline=None)
@given(st.lists(requests(), min_size=1, max_size=3), st.data())
def test_any_split_of_the_bytes_gives_the_same_requests(
    sent: list[tuple[bytes, Request]], data: st.DataObject
) -> None:
    wire = b"".join(piece for piece, _ in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    parser = RequestParser(keep=1000)
    received = []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        received += parser.feed(wire[start:end])
    assert received == [request for _, request in sent]


@settings(deadline=None)
@given(requests(), st.integers(0, 300))
def test_a_body_over_the_limit_is_counted_and_not_kept(sent: tuple[bytes, Request], keep: int) -> None:
    wire, request = sent
    [received] = RequestParser(keep).feed(wire)
    assert received.size == len(request.body)
    assert received.body == request.body[:keep]


@pytest.mark.parametrize(
    "wire",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ],
)
def test_what_is_no_request_is_refused(wire: bytes) -> None:
    with pytest.raises(BadRequestError):
        RequestParser(100).feed(wire)


def test_an_endless_head_is_refused() -> None:
    parser = RequestParser(100)
    with pytest.raises(BadRequestError):
        deque((parser.feed(b"x" * 100_000) for _ in range(100)), maxlen=0)


def test_a_client_that_asks_before_it_sends_is_told_to_go_on() -> None:
    parser = RequestParser(100)
    assert parser.feed(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n") == []
    assert parser.continue_expected
    [request] = parser.feed(b"ok")
    assert request.body == b"ok"
    assert not parser.continue_expected
