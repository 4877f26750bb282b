"""A pure-Python stand-in for `runtime_client`, the native half of awslambdaric, which does not survive a
fork.

The same four functions with the same arguments, results and errors, over one kept-alive connection to the
Runtime API that AWS_LAMBDA_RUNTIME_API names.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

_PREFIX = "/2018-06-01/runtime/"
_LONGEST_FAULT = 1 << 20

_connection: socket.socket | None = None
_user_agent = "aws-lambda-python"


class Headers(dict[str, Any]):
    """Response headers; names compare without regard to case."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def initialize_client(user_agent: str) -> None:
    """Remember how this runtime introduces itself."""
    global _user_agent
    _user_agent = user_agent


def next() -> tuple[bytes, Headers]:  # noqa: A001 - the name that awslambdaric calls
    """The next invocation: (payload, headers). Waits without limit, as a frozen environment would."""
    status, headers, body = _exchange("GET", "invocation/next", b"", "")
    if status != 200:
        raise RuntimeError(f"Failed to get next (status {status})")
    deadline = headers.get("lambda-runtime-deadline-ms")
    if deadline is not None:
        headers["lambda-runtime-deadline-ms"] = int(deadline)
    return body, headers


def post_invocation_result(request_id: str, data: bytes, content_type: str = "application/json") -> None:
    """Answer an invocation. A RuntimeError when the answer was not taken, for example for its size."""
    head = f"Content-Type: {content_type}\r\n"
    status, _, _ = _exchange("POST", f"invocation/{request_id}/response", data, head)
    if status != 202:
        _complain("success", status)
        raise RuntimeError("Failed to post invocation response")


def post_error(request_id: str, data: str | bytes, xray_fault: str = "") -> None:
    """Report an invocation as failed."""
    body = data.encode("utf-8") if isinstance(data, str) else data
    head = "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: Unhandled\r\n"
    if xray_fault and len(xray_fault) < _LONGEST_FAULT:
        cause = xray_fault.encode("ascii", "backslashreplace").decode("ascii").replace("\n", " ")
        head += f"Lambda-Runtime-Function-XRay-Error-Cause: {cause}\r\n"
    status, _, _ = _exchange("POST", f"invocation/{request_id}/error", body, head)
    if status != 202:
        _complain("failure", status)
        raise RuntimeError("Failed to post invocation error")


def _complain(kind: str, status: int) -> None:
    sys.stderr.write(
        f"LAMBDA_RUNTIME Failed to post handler {kind} response. Http response code: {status}.\n"
    )


def _connect() -> socket.socket:
    global _connection
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].rsplit(":", 1)
    _connection = socket.create_connection((host, int(port)))
    _connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _connection


def _exchange(method: str, path: str, body: bytes, extra_head: str) -> tuple[int, Headers, bytes]:
    connection = _connection or _connect()
    head = (
        f"{method} {_PREFIX}{path} HTTP/1.1\r\nHost: {os.environ['AWS_LAMBDA_RUNTIME_API']}\r\n"
        f"User-Agent: {_user_agent}\r\nContent-Length: {len(body)}\r\n{extra_head}\r\n"
    )
    connection.sendall(head.encode("latin-1") + body)
    return _read(connection)


def _read(connection: socket.socket) -> tuple[int, Headers, bytes]:
    received = b""
    end = -1
    while end < 0:
        data = connection.recv(65536)
        if not data:
            raise RuntimeError("The Runtime API closed the connection")
        received += data
        end = received.find(b"\r\n\r\n")
    lines = received[:end].decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ", 2)[1])
    headers = Headers()
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    size = int(headers.get("content-length", "0"))
    parts = [received[end + 4 :]]
    missing = size - len(parts[0])
    while missing > 0:
        data = connection.recv(min(missing, 1 << 20))
        if not data:
            raise RuntimeError("The Runtime API closed the connection")
        parts.append(data)
        missing -= len(data)
    return status, headers, b"".join(parts)
