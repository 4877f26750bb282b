"""The server of the gateway: HTTP/1.1, a thread for each connection, and nothing between socket and gateway.

A request is read, handled and answered in one thread, without a hand-over to an event loop and back: that is
where the latency of LocalStack's own server goes. Connections are kept alive; TLS is spoken on the same port
when the first byte asks for it. Neither HTTP/2 nor WebSockets: no AWS client needs them of the services that
are here.
"""

import contextlib
import logging
import queue
import selectors
import socket
import threading
import time

from localstack.config import HostAndPort
from localstack.runtime.server.core import RuntimeServer
from rolo.gateway import Gateway

from mdlc_emulator.engine.gateway.exchange import refuse, serve_one
from mdlc_emulator.engine.gateway.http1 import Connection, ProtocolError
from mdlc_emulator.engine.gateway.tls import server_context
from mdlc_emulator.engine.process.handover import listening_socket

LOG = logging.getLogger(__name__)

GRACE = 0.5
"""Seconds that requests under way have to end when the server shuts down."""

LINGER = 0.5
"""Seconds that a client is given to read an answer before its unread request is dropped with the
connection."""

SPARE_THREADS = 16
"""Threads that wait for the next connection instead of ending with theirs."""

_TLS_HANDSHAKE = 22


class ThreadedServer(RuntimeServer):
    """LocalStack's RuntimeServer: `register`, then `run` until `shutdown` is called from another thread."""

    def __init__(self) -> None:
        self._listeners: list[tuple[socket.socket, Gateway]] = []
        self._wake, self._woken = socket.socketpair()
        self._work: queue.SimpleQueue[tuple[socket.socket, Gateway] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle_threads = 0
        self._changes: queue.SimpleQueue[tuple[socket.socket, bool]] = queue.SimpleQueue()
        self._open: dict[socket.socket, bool] = {}
        """Open connections, and whether a request of theirs is being handled."""
        self._stopping = False

    def register(
        self, gateway: Gateway, listen: list[HostAndPort], ssl_creds: tuple[str, str] | None = None
    ) -> None:
        """Listen at once: on the socket that the launcher has opened, else on `listen`."""
        handed_down = listening_socket()
        listeners = [handed_down] if handed_down is not None else [_listen(address) for address in listen]
        for listener in listeners:
            listener.setblocking(False)
            self._listeners.append((listener, gateway))
        _RUNNING.append(self)

    def serve_also(self, listener: socket.socket) -> None:
        """Answer on `listener`, a TCP socket that listens, as on our own: for networks apart from ours."""
        listener.setblocking(False)
        self._changes.put((listener, True))
        self._wake.send(b"x")

    def serve_no_more(self, listener: socket.socket) -> None:
        """The end of `serve_also`: `listener` is closed, connections that it brought go on."""
        self._changes.put((listener, False))
        self._wake.send(b"x")

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            for listener, gateway in self._listeners:
                selector.register(listener, selectors.EVENT_READ, (listener, gateway))
            while not self._stopping:
                for key, _ in selector.select():
                    if key.data is not None:
                        self._accept(*key.data)
                    else:
                        self._woken.recv(4096)
                        self._change(selector)
        for listener, _ in self._listeners:
            listener.close()
        self._end_connections()

    def shutdown(self) -> None:
        self._stopping = True
        self._wake.send(b"x")

    def _change(self, selector: selectors.BaseSelector) -> None:
        while not self._changes.empty():
            listener, added = self._changes.get()
            if added:
                selector.register(listener, selectors.EVENT_READ, (listener, self._listeners[0][1]))
            else:
                with contextlib.suppress(KeyError, ValueError):
                    selector.unregister(listener)
                listener.close()

    def _accept(self, listener: socket.socket, gateway: Gateway) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            sock, _ = listener.accept()
            sock.setblocking(True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                spare = self._idle_threads > 0
                if spare:
                    self._idle_threads -= 1
            self._work.put((sock, gateway))
            if not spare:
                threading.Thread(target=self._worker, name="gateway", daemon=True).start()

    def _worker(self) -> None:
        while (work := self._work.get()) is not None:
            self._serve(*work)
            with self._lock:
                if self._idle_threads >= SPARE_THREADS:
                    return
                self._idle_threads += 1

    def _serve(self, sock: socket.socket, gateway: Gateway) -> None:
        try:
            first = sock.recv(1, socket.MSG_PEEK)
            scheme = "http"
            if first and first[0] == _TLS_HANDSHAKE:
                context = server_context()
                sock = context.wrap_socket(sock, server_side=True)
                scheme = "https"
            with self._lock:
                self._open[sock] = False
            self._converse(sock, gateway, scheme)
        except OSError as error:
            # The client's end, in the middle of a message or of a handshake: nobody is left to tell.
            LOG.debug("connection ended: %s", error)
        except Exception:
            LOG.exception("the gateway failed to answer a request")
        finally:
            with self._lock:
                self._open.pop(sock, None)
            _close(sock)

    def _converse(self, sock: socket.socket, gateway: Gateway, scheme: str) -> None:
        connection = Connection(sock)
        server = sock.getsockname()[:2]
        client = sock.getpeername()[:2]
        try:
            while not self._stopping and (head := connection.read_head()) is not None:
                self._open[sock] = True
                if not serve_one(gateway, connection, head, server, client, scheme):
                    return
                self._open[sock] = False
        except ProtocolError as error:
            refuse(connection, error.status, str(error))

    def _end_connections(self) -> None:
        """Close what is idle, give what is under way `GRACE` seconds, then close that too."""
        deadline = time.monotonic() + GRACE
        while True:
            with self._lock:
                connections = dict(self._open)
            late = time.monotonic() >= deadline
            for sock, busy in connections.items():
                if late or not busy:
                    with contextlib.suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)
            if late or not any(connections.values()):
                return
            time.sleep(0.01)


_RUNNING: list[ThreadedServer] = []


def running() -> ThreadedServer | None:
    """The server of this process, once it listens."""
    return _RUNNING[0] if _RUNNING else None


def _listen(address: HostAndPort) -> socket.socket:
    """A listening socket of our own, for an engine that was started by hand."""
    listener = socket.socket(socket.AF_INET6 if ":" in address.host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
    except OSError as error:
        listener.close()
        raise OSError(
            f"Cannot listen on {address.host}:{address.port} ({error.strerror}): choose another port or end "
            "what uses this one."
        ) from error
    listener.listen(1024)
    return listener


def _close(sock: socket.socket) -> None:
    """Close without a reset that would eat an answer the client has not read yet."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(LINGER)
        for _ in range(64):
            if not sock.recv(65536):
                break
    with contextlib.suppress(OSError):
        sock.close()
