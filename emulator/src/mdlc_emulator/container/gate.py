"""The way out of private networks: an HTTP proxy in the machine's network, reached from inside only.

What listens inside is handed over as a listening socket, with one that ends when its container does; programs
find it by the usual variables (HTTPS_PROXY...). What AWS's model servers reach is reached: package indexes,
other services; the machine's own loopback addresses are not.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import urllib.parse
from collections.abc import Coroutine
from typing import NoReturn

LONGEST_HEAD = 1 << 16
CHUNK = 1 << 16


def run(orders: socket.socket, upstream: str) -> NoReturn:
    """Serve until the process is killed. `upstream` is the URL of the proxy that this machine itself must
    use, or ""."""
    asyncio.run(Gate(orders, upstream).serve())
    os._exit(0)


class Gate:
    """Serves the networks of all containers."""

    def __init__(self, orders: socket.socket, upstream: str) -> None:
        self._orders = orders
        self._upstream = urllib.parse.urlsplit(upstream if "//" in upstream else f"//{upstream}")
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        asyncio.get_running_loop().add_reader(self._orders, self._take)
        await self._over.wait()

    def _take(self) -> None:
        data, files, _, _ = socket.recv_fds(self._orders, 1, 2)
        if not data:
            self._over.set()
            return
        listener, life = (socket.socket(fileno=number) for number in files)
        self._keep(self._serve_one(listener, life))

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_one(self, listener: socket.socket, life: socket.socket) -> None:
        """One container's network, until it ends."""
        server = await asyncio.start_server(self._converse, sock=listener, limit=LONGEST_HEAD)
        life.setblocking(False)
        with life:
            await asyncio.get_running_loop().sock_recv(life, 1)
        server.close()

    async def _converse(self, inner: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            head = await inner.readuntil(b"\r\n\r\n")
            outer, onward, first = await self._out(head)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            reason = str(error).replace("\r", " ").replace("\n", " ")
            answer.write(f"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n{reason}\n".encode())
            answer.close()
            return
        if first is None:
            answer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            onward.write(first)
        await asyncio.gather(_pump(inner, onward), _pump(outer, answer))
        for writer in (onward, answer):
            writer.close()

    async def _out(self, head: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes | None]:
        """A connection to what `head` asks for, and what is to be said there first; None when the client is
        to be told that there is one. OSError or ValueError when there is none."""
        if self._upstream.hostname:
            port = self._upstream.port or 80
            return *await asyncio.open_connection(self._upstream.hostname, port), head
        line, _, rest = head.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ")
        if method == "CONNECT":
            url = urllib.parse.urlsplit(f"//{target}")
            return *await _connected(url.hostname or "", url.port or 443), None
        url = urllib.parse.urlsplit(target)
        if url.scheme != "http":
            raise ValueError(f"{target} is no address of HTTP")
        path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
        fields = [field for field in rest.split(b"\r\n") if field and not _is_of_the_hop(field)]
        first = f"{method} {path} {version}".encode("latin-1")
        said = b"\r\n".join([first, *fields, b"Connection: close", b"", b""])
        return *await _connected(url.hostname or "", url.port or 80), said


async def _connected(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To `host`, by the machine's own resolver. PermissionError for a loopback address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    problem = OSError(f"{host} has no address")
    for family, _, _, _, address in found:
        if ipaddress.ip_address(address[0]).is_loopback:
            problem = PermissionError(f"{host} is this machine's own: containers do not reach it")
            continue
        try:
            return await asyncio.open_connection(str(address[0]), port, family=family)
        except OSError as error:
            problem = error
    raise problem


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        sink.close()


def _is_of_the_hop(field: bytes) -> bool:
    return field.split(b":")[0].lower() in (
        b"connection",
        b"proxy-connection",
        b"keep-alive",
        b"proxy-authorization",
    )
