"""One request and its response: from the wire to LocalStack's gateway and back to the wire."""

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from rolo.gateway import Gateway
from rolo.response import Response
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request

from mdlc_emulator.engine.gateway import front
from mdlc_emulator.engine.gateway.http1 import Body, Connection, Head, body_of

LOG = logging.getLogger(__name__)

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})
_FAILED = front.FrontAnswer(
    500, [("Content-Type", "application/json")], b'{"message": "The emulator failed; its log says why."}'
)


class _Clock:
    """The Date header, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""
        self._lock = threading.Lock()

    def date(self) -> str:
        now = int(time.time())
        if now != self._second:
            with self._lock:
                self._second, self._text = now, formatdate(now, usegmt=True)
        return self._text


_CLOCK = _Clock()


def serve_one(
    gateway: Gateway,
    connection: Connection,
    head: Head,
    server: tuple[str, int],
    client: tuple[str, int],
    scheme: str,
) -> bool:
    """Answer one request; says whether the connection can take another."""
    body = body_of(connection, head)
    target = head.target
    if not target.startswith("/"):
        parts = urlsplit(target)
        target = parts.path + (f"?{parts.query}" if parts.query else "") or "/"
    path, _, query = target.partition("?")
    sock = connection.sock
    keep_alive = head.keep_alive
    found = _by_front(front.FrontRequest(head, path, query, body.stream, client[0]))
    if found is not None:
        keep_alive = keep_alive and body.drain()
        sock.sendall(_whole(head, found.status, list(found.headers), found.body, keep_alive))
        if found.call is not None:
            front.count(found.call)
        return keep_alive
    request = Request(_environment(head, body, path, query, server, client, scheme), populate_request=False)
    request.headers = Headers(head.headers)
    response = Response()
    try:
        gateway.process(request, response)  # type: ignore[arg-type]
    except ConnectionError:
        raise  # the client went away while its body was read
    except Exception:
        LOG.exception("the gateway failed at %s %s", head.method, path)
        response = Response(_FAILED.body, _FAILED.status, _FAILED.headers)
    try:
        return _send(sock, head, body, response, keep_alive)
    finally:
        response.close()


def _by_front(request: front.FrontRequest) -> front.FrontAnswer | None:
    if not front.HANDLERS:
        return None
    try:
        return front.answer(request)
    except ConnectionError:
        raise
    except Exception:
        LOG.exception("a front handler failed at %s %s", request.method, request.path)
        return _FAILED


def _environment(
    head: Head,
    body: Body,
    path: str,
    query: str,
    server: tuple[str, int],
    client: tuple[str, int],
    scheme: str,
) -> dict[str, Any]:
    """What WSGI, werkzeug and rolo want to know of a request."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1") if "%" in path else path,
        "QUERY_STRING": query,
        "REQUEST_URI": head.target,
        "RAW_URI": head.target,
        "SERVER_PROTOCOL": head.version,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": body.stream,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in head.headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if (kind := head.fields.get("content-type")) is not None:
        environ["CONTENT_TYPE"] = kind
    if (length := head.fields.get("content-length")) is not None:
        environ["CONTENT_LENGTH"] = length
    return environ


def _send(sock: Any, head: Head, body: Body, response: Response, keep_alive: bool) -> bool:
    status = response.status_code
    content = response.response
    headers = [(name, str(value)) for name, value in response.headers]
    if isinstance(content, (list, tuple)):
        payload = b"".join([part.encode() if isinstance(part, str) else part for part in content])
        keep_alive = keep_alive and body.drain()
        sock.sendall(_whole(head, status, headers, payload, keep_alive))
        return keep_alive
    return _stream(sock, head, body, status, headers, content, keep_alive)


def _whole(
    head: Head, status: int, headers: list[tuple[str, str]], payload: bytes, keep_alive: bool
) -> bytes:
    """A response whose body is known; one write, so that neither Nagle nor a delayed ACK can slow it."""
    headers = [(name, value) for name, value in headers if name.lower() != "transfer-encoding"]
    names = {name.lower() for name, _ in headers}
    if status in _BODILESS or 100 <= status < 200:
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        payload = b""
    elif "content-length" not in names:
        headers.append(("Content-Length", str(len(payload))))
    elif head.method != "HEAD":
        headers = [
            (name, str(len(payload)) if name.lower() == "content-length" else value)
            for name, value in headers
        ]
    lines = _head_lines(head, status, headers, names, keep_alive)
    return lines if head.method == "HEAD" else lines + payload


def _stream(
    sock: Any,
    head: Head,
    body: Body,
    status: int,
    headers: list[tuple[str, str]],
    content: Iterable[bytes | str],
    keep_alive: bool,
) -> bool:
    """A response whose body is made while it is sent: by its Content-Length, else in chunks, else until the
    end."""
    names = {name.lower() for name, _ in headers}
    silent = head.method == "HEAD" or status in _BODILESS
    chunked = "content-length" not in names and head.version != "HTTP/1.0" and not silent
    if chunked:
        headers = [(name, value) for name, value in headers if name.lower() != "transfer-encoding"]
        headers.append(("Transfer-Encoding", "chunked"))
    elif "content-length" not in names and not silent:
        keep_alive = False
    sock.sendall(_head_lines(head, status, headers, names, keep_alive))
    if not silent:
        for part in content:
            data = part.encode() if isinstance(part, str) else part
            if data:
                sock.sendall(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        if chunked:
            sock.sendall(b"0\r\n\r\n")
    return keep_alive and body.drain()


def _head_lines(
    head: Head, status: int, headers: list[tuple[str, str]], names: set[str], keep_alive: bool
) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
    for name, value in headers:
        if name.lower() == "connection":
            continue  # whether the connection stays is the server's to say
        if "\r" in value or "\n" in value:
            value = value.replace("\r", " ").replace("\n", " ")
        lines.append(f"{name}: {value}")
    if "date" not in names:
        lines.append(f"Date: {_CLOCK.date()}")
    if not keep_alive:
        lines.append("Connection: close")
    elif head.version == "HTTP/1.0" or "connection" in names:
        lines.append("Connection: keep-alive")
    text = "\r\n".join(lines) + "\r\n\r\n"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def refuse(connection: Connection, status: int, message: str) -> None:
    """Answer what is no request of HTTP/1.1; the connection ends after it."""
    payload = message.encode()
    with contextlib.suppress(OSError):
        connection.sock.sendall(
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n".encode()
            + payload
        )
