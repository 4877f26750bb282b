"""A line that shows what long work is at, drawn from a thread after a delay so that short work stays
silent."""

import threading
from types import TracebackType
from typing import Self

DELAY = 0.4
"""Seconds of work before anything is shown."""


class Spinner:
    """`with Spinner("Starting") as spinner: spinner.say("Waiting")`; for a terminal only."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._done = threading.Event()
        self._changed = threading.Lock()
        self._thread = threading.Thread(target=self._draw, daemon=True)

    def say(self, words: str) -> None:
        with self._changed:
            self._words = words

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _draw(self) -> None:
        if self._done.wait(DELAY):
            return
        from rich.console import Console

        console = Console(stderr=True)
        with console.status(f"{self._words} ...") as status:
            while not self._done.wait(0.1):
                status.update(f"{self._words} ...")
