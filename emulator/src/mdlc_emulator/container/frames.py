"""Orders from the engine to the zygote: 4 bytes of length with the open files, then JSON."""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any


def send(sock: socket.socket, order: dict[str, Any], files: list[int]) -> None:
    """Hand over one order with copies of `files`."""
    text = json.dumps(order).encode()
    socket.send_fds(sock, [struct.pack("!I", len(text))], files)
    sock.sendall(text)


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next order and its files, which no program executed from here inherits; None at the end."""
    head, files, _, _ = socket.recv_fds(sock, 4, 4)
    for number in files:
        os.set_inheritable(number, False)
    head += _exactly(sock, 4 - len(head)) if head else b""
    if len(head) < 4:
        return None
    (size,) = struct.unpack("!I", head)
    text = _exactly(sock, size)
    return (json.loads(text), files) if len(text) == size else None


def _exactly(sock: socket.socket, size: int) -> bytes:
    """`size` bytes, or fewer at the end of the stream."""
    parts = bytearray()
    while len(parts) < size and (data := sock.recv(min(size - len(parts), 1 << 16))):
        parts += data
    return bytes(parts)
