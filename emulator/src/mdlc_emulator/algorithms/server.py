"""The model server: answers /ping, /invocations and /execution-parameters for a model that is loaded once.

Standard library only; what stands for the model server of every image here, built-in algorithms and scripts.

    def load() -> Handler:
        model = ...
        return routes(invocations=lambda request: Response(200, predict(model, request.body), "text/csv"))

    run(load)

The contract is https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html: port
8080, or SAGEMAKER_BIND_TO_PORT; /ping answers 200 once the model is there; SIGTERM ends the server.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from types import FrameType

from mdlc_emulator.algorithms.wire import Connection, DisconnectedError, Request, RequestError, Response

__all__ = ["Handler", "Request", "Response", "Server", "body_limit", "routes", "run", "serve"]

Handler = Callable[[Request], Response]

IDLE = 300.0
"""Seconds that a client may keep a connection without a word."""
CONNECTIONS = 512
GRACE = 5.0
"""Seconds that requests under way get to end after SIGTERM."""
MIB = 1024 * 1024


class _Stopped(BaseException):
    """SIGTERM or SIGINT came before there was a server to stop."""


class Server:
    """One process: accepts on `listener`, a thread for each connection, all of them calling `handler`."""

    def __init__(self, handler: Handler, listener: socket.socket, body_limit: int) -> None:
        self._handler = handler
        self._listener = listener
        self._body_limit = body_limit
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        self._busy = 0
        self._ended = threading.Condition()
        self._stopping = False
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def serve(self) -> None:
        """Answer until `stop`; requests under way are ended first."""
        self._listener.setblocking(False)
        waiting = select.poll()
        waiting.register(self._listener, select.POLLIN)
        waiting.register(self._woken, select.POLLIN)
        while not self._stopping:
            waiting.poll()
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)
            if not self._stopping:
                self._accept()
        self._listener.close()
        with self._ended:
            self._ended.wait_for(lambda: self._busy == 0, GRACE)

    def _accept(self) -> None:
        self._free.acquire()
        try:
            stream, _ = self._listener.accept()
        except BlockingIOError:  # another worker took it, or there was but a signal
            self._free.release()
            return
        except OSError:
            self._free.release()
            time.sleep(0.01)  # out of file descriptors: others must end first
            return
        threading.Thread(target=self._converse, args=(stream,), daemon=True).start()

    def stop(self) -> None:
        """End `serve`, from any thread or a signal's handler."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._waker.send(b".")

    def stop_on_signals(self) -> None:
        """SIGTERM and SIGINT end `serve`. The system hands a signal to any thread, so it wakes the poll."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.stop())
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def _converse(self, stream: socket.socket) -> None:
        try:
            with stream:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                stream.settimeout(IDLE)
                connection = Connection(stream, self._body_limit)
                while self._exchange(connection) and not self._stopping:
                    pass
        except (DisconnectedError, OSError):
            pass
        finally:
            self._free.release()

    def _exchange(self, connection: Connection) -> bool:
        """One request and its answer; whether another may follow."""
        try:
            request = connection.read()
        except RequestError as bad:
            connection.answer(Response(bad.status, str(bad)), close=True)
            connection.linger()
            return False
        if request is None:
            return False
        with self._ended:
            self._busy += 1
        try:
            close = self._stopping or request.headers.get("connection", "").lower() == "close"
            connection.answer(self._answer(request), close=close, with_body=request.method != "HEAD")
        finally:
            with self._ended:
                self._busy -= 1
                self._ended.notify_all()
        return not close

    def _answer(self, request: Request) -> Response:
        try:
            return self._handler(request)
        except Exception:  # noqa: BLE001 a model's fault must not end the server
            traceback.print_exc()
            return Response(500, "Internal Server Error")


def routes(
    *,
    invocations: Handler,
    ping: Callable[[], Response] | None = None,
    execution_parameters: Callable[[], Mapping[str, object]] | None = None,
) -> Handler:
    """The three paths that SageMaker calls. Without `ping`, 200: the model was loaded before listening."""

    def handle(request: Request) -> Response:
        path, method = request.path, request.method
        if path == "/invocations":
            return invocations(request) if method == "POST" else _not_allowed("POST")
        if path == "/ping":
            if method not in ("GET", "HEAD"):
                return _not_allowed("GET, HEAD")
            return ping() if ping else Response(200)
        if path == "/execution-parameters" and execution_parameters:
            if method not in ("GET", "HEAD"):
                return _not_allowed("GET, HEAD")
            return Response(200, json.dumps(execution_parameters()), "application/json")
        return Response(404, "Not Found")

    return handle


def _not_allowed(allowed: str) -> Response:
    return Response(405, "Method Not Allowed", headers={"Allow": allowed})


def body_limit(environment: Mapping[str, str] = os.environ, default: int = 6 * MIB) -> int:
    """Bytes of the largest body accepted: MAX_CONTENT_LENGTH, and at least what a transform job announces.

    SAGEMAKER_MAX_PAYLOAD_IN_MB is set for transform jobs that ask for a payload size:
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
    """
    limit = int(environment.get("MAX_CONTENT_LENGTH") or default)
    announced = environment.get("SAGEMAKER_MAX_PAYLOAD_IN_MB")
    if announced is None:
        return limit
    # 0 means no limit; a transform's own is 100 MB.
    return max(limit, (int(announced) or 2048) * MIB)


def run(
    load: Callable[[], Handler],
    *,
    port: int | None = None,
    host: str | None = None,
    limit: int | None = None,
    workers: int | None = None,
) -> None:
    """Load the model, listen, serve until SIGTERM. Does not return before.

    `workers` processes (SAGEMAKER_MODEL_SERVER_WORKERS, else 1) share the port, each with a model of its own
    and a thread for each connection: more than one is for models that keep the interpreter busy.
    """
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or 8080) if port is None else port
    host = host or os.environ.get("MDLC_BIND_TO_HOST") or "127.0.0.1"
    workers = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or 1) if workers is None else workers
    limit = body_limit() if limit is None else limit
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    # Short turns: a request must not wait for another's parsing to the default of 5 ms.
    sys.setswitchinterval(0.001)
    try:
        if workers > 1:
            _Workers(load, host, port, limit, workers).run()
        else:
            handler = load()
            serve(handler, socket.create_server((host, port), backlog=1024), limit)
    except _Stopped:
        pass


def serve(handler: Handler, listener: socket.socket, limit: int) -> None:
    """Answer on `listener` until SIGTERM (see `run`)."""
    print(f"Listening on port {listener.getsockname()[1]}", flush=True)
    server = Server(handler, listener, limit)
    server.stop_on_signals()
    server.serve()


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


class _Workers:
    """Several processes that accept on one socket; one that dies is replaced."""

    def __init__(self, load: Callable[[], Handler], host: str, port: int, limit: int, number: int) -> None:
        self._load = load
        self._limit = limit
        self._number = number
        self._address = (host, port)
        self._listener: socket.socket | None = None
        self._ready, self._announce = os.pipe()
        self._running: set[int] = set()

    def run(self) -> None:
        # Bound now, so that a taken port is an error of the server itself; listening once a model is there.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self._address)
        self._listener = listener
        try:
            for _ in range(self._number):
                self._start()
            self._watch()
        except _Stopped:
            pass
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._end()

    def _start(self) -> None:
        child = os.fork()
        if child:
            self._running.add(child)
            return
        assert self._listener is not None
        code = 1
        try:
            handler = self._load()
            self._listener.listen(1024)
            os.write(self._announce, b".")
            serve(handler, self._listener, self._limit)
            code = 0
        except _Stopped:
            code = 0
        except BaseException:  # noqa: BLE001 a forked process must end here whatever happens
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _watch(self) -> None:
        os.set_blocking(self._ready, False)
        while True:
            child, status = os.wait()
            self._running.discard(child)
            code = os.waitstatus_to_exitcode(status)
            try:
                os.read(self._ready, 1)  # one for each worker that ever answered
            except BlockingIOError:
                raise SystemExit(f"A worker could not load the model and ended with {code}") from None
            print(f"Worker {child} ended with {code}; another is started", file=sys.stderr, flush=True)
            self._start()

    def _end(self) -> None:
        for child in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
        for child in self._running:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
