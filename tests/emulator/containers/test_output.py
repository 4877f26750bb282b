"""What a container writes arrives whole, in order, and before its end is told."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.containers.lines import LONGEST, Lines, pieces

from tests.emulator.containers.conftest import Runner


def test_both_outputs_arrive_in_order_and_before_the_end(run: Runner) -> None:
    code = """
import sys
for number in range(20000):
    stream = sys.stdout if number % 2 else sys.stderr
    stream.write(f"{number}\\n"); stream.flush()
"""
    ended = run.python(code).wait(30)
    assert ended is not None
    assert run.lines == [str(number) for number in range(20000)]


def test_the_last_line_needs_no_end_and_bytes_that_are_no_utf_8_are_replaced(run: Runner) -> None:
    assert run.sh(r"printf 'a\377b\r\n\nc'") == ["a\ufffdb", "", "c"]


def test_what_reads_standard_input_finds_its_end(run: Runner) -> None:
    assert run.sh("cat; echo done") == ["done"]


def test_a_listener_that_fails_does_not_hold_up_the_container(run: Runner) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("no")

    ended = run.start("sh", "-c", "echo a; echo b; exit 4", on_line=fail).wait(10)
    assert ended is not None
    assert ended.code == 4


@settings(max_examples=200)
@given(st.binary(max_size=300), st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_lines_do_not_depend_on_how_the_stream_is_cut(data: bytes, sizes: list[int]) -> None:
    found: list[str] = []
    lines = Lines(found.append)
    stream = io.BytesIO(data)
    for size in sizes:
        lines.feed(stream.read(size))
    lines.feed(stream.read())
    lines.end()
    whole = data.split(b"\n")
    if not whole[-1]:
        whole.pop()
    assert found == [line.removesuffix(b"\r").decode(errors="replace") for line in whole]


def test_a_line_without_end_is_handed_on_in_pieces_between_characters() -> None:
    found: list[str] = []
    lines = Lines(found.append)
    text = "x" + "€" * LONGEST
    lines.feed(text.encode())
    lines.end()
    assert "".join(found) == text
    assert max(len(piece.encode()) for piece in found) <= LONGEST


@given(st.text(max_size=200), st.integers(4, 40))
def test_pieces_of_a_line_are_the_line(line: str, size: int) -> None:
    text = line.encode(errors="replace").decode()
    found = list(pieces(text, size))
    assert "".join(found) == text
    assert all(0 < len(piece.encode()) <= size for piece in found) or not text
    assert all(len(piece.encode()) > size - 4 for piece in found[:-1])
