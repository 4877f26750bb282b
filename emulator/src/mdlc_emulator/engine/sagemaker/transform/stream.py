"""One file through a model: read ahead, asked by several threads, written in the order of the file."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from mdlc_emulator.engine.sagemaker.servers.instance import Instance
from mdlc_emulator.engine.sagemaker.servers.wire import Reply, TimedOutError, UnansweredError
from mdlc_emulator.engine.sagemaker.transform.output import Output
from mdlc_emulator.engine.sagemaker.transform.processing import Processing, ProcessingError
from mdlc_emulator.engine.sagemaker.transform.split import Piece

RETRIED = frozenset({500, 502, 503, 504, 429})


class StoppedError(Exception):
    """The job was asked to end."""


class RecordError(Exception):
    """A piece failed. `kind` is ClientError or AlgorithmError, `lines` what the job's log says."""

    def __init__(self, kind: str, lines: list[str]) -> None:
        super().__init__(f"{kind}: {'; '.join(lines)}")
        self.kind, self.lines = kind, lines


@dataclass(frozen=True, slots=True)
class Client:
    """How the model is asked: ModelClientConfig, content type and accept."""

    content_type: str
    accept: str
    timeout: float
    retries: int

    def headers(self) -> list[tuple[str, str]]:
        return [("Content-Type", self.content_type), ("Accept", self.accept)]


class Through:
    """Sends the pieces of files to one instance, `concurrent` at a time."""

    def __init__(
        self,
        instance: Instance,
        client: Client,
        processing: Processing,
        concurrent: int,
        line_ends: bool,
        stopped: Callable[[], bool],
    ) -> None:
        """`line_ends`: AssembleWith Line."""
        self._instance, self._client, self._processing = instance, client, processing
        self._headers = client.headers()
        self._concurrent, self._line_ends, self._stopped = concurrent, line_ends, stopped
        self._threads = ThreadPoolExecutor(concurrent, thread_name_prefix="transform")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def file(self, pieces: Iterator[Piece], output: Output) -> int:
        """All pieces, in order; how many there were. RecordError, StoppedError; what `pieces` raises."""
        ahead: deque[Future[bytes | bytearray]] = deque()
        number = 0
        failed = threading.Event()
        try:
            for piece in pieces:
                number += 1
                ahead.append(self._threads.submit(self._piece, piece, failed))
                # One piece more than are sent at once: the next is read while these are under way.
                while len(ahead) > self._concurrent or (ahead and ahead[0].done()):
                    self._write(ahead.popleft().result(), output)
            while ahead:
                self._write(ahead.popleft().result(), output)
        except BaseException:
            failed.set()
            for future in ahead:
                future.cancel()
            raise
        return number

    def _write(self, data: bytes | bytearray, output: Output) -> None:
        output.write(data)
        if self._line_ends and not data.endswith(b"\n"):
            output.write(b"\n")

    def _piece(self, piece: Piece, failed: threading.Event) -> bytes | bytearray:
        if failed.is_set() or self._stopped():
            raise StoppedError
        try:
            if not self._processing.active:
                return self._ask(piece).body
            record = bytes(piece)
            reply = self._ask(self._processing.before(record))
            return self._processing.after(record, bytes(reply.body), reply.content_type)
        except ProcessingError as error:
            raise RecordError("ClientError", [str(error)]) from error

    def _ask(self, sent: Piece) -> Reply:
        for left in range(self._client.retries, -1, -1):
            if self._stopped():
                raise StoppedError
            try:
                _, reply = self._instance.ask(self._headers, sent, self._client.timeout)
            except TimedOutError:
                lines = [
                    "Model server did not respond to /invocations request within "
                    f"{self._client.timeout:g} seconds"
                ]
                if not left:
                    raise RecordError("AlgorithmError", lines) from None
                continue
            except UnansweredError as error:
                if not left:
                    raise RecordError(
                        "AlgorithmError", [f"Unable to get response from algorithm: {error}"]
                    ) from None
                continue
            if 200 <= reply.status < 300:
                return reply
            if reply.status in RETRIED and left:
                continue
            kind = "ClientError" if 400 <= reply.status < 500 else "AlgorithmError"
            text = bytes(reply.body[:2048]).decode(errors="replace").splitlines()
            raise RecordError(kind, [f"{kind}: {reply.status}", "", "Message:", *text])
        raise AssertionError
