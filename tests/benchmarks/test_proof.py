"""What counts as an answer, and what processes hold."""

import subprocess
import sys

import pytest

from benchmarks.clients import ECHO, Echo, WrongAnswerError
from benchmarks.contestants import BenchmarkError, await_gone, await_ready, clean_environment, free_port
from benchmarks.further import figure
from benchmarks.processes import tree, usage


def test_the_echo_function_proves_itself():
    names: dict = {}
    exec(ECHO, names)
    answers = [Echo.of(names["handler"]({"id": i}, None), {"id": i}) for i in range(2)]
    assert [answer.calls for answer in answers] == [1, 2]
    assert answers[0].environment == answers[1].environment
    anew: dict = {}
    exec(ECHO, anew)
    assert Echo.of(anew["handler"](1, None), 1).environment != answers[0].environment


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        "ok",
        {"event": {"id": "other"}, "environment": "e", "calls": 1},
        {"event": {"id": "a"}, "environment": 1, "calls": 1},
        {"event": {"id": "a"}, "environment": "e", "calls": 0},
    ],
)
def test_anything_but_the_functions_own_answer_is_refused(answer: object):
    with pytest.raises(WrongAnswerError):
        Echo.of(answer, {"id": "a"})


def test_a_tree_holds_grandchildren_and_what_they_use():
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    leaf = "x = bytearray(40_000_000); print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", child, leaf], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        pids = tree([process.pid])
        assert len(pids) == 2
        used = usage(pids)
        assert used.rss > 40
        assert 0 < used.pss <= used.rss
        assert used.cpu > 0
        with pytest.raises(BenchmarkError, match="2 processes of the emulator outlived"):
            await_gone(pids, within=0.01)
        process.communicate("\n")
    await_gone(pids)
    assert tree([process.pid]) == set()


def test_an_emulator_that_ends_before_it_answers_is_told_at_once():
    with pytest.raises(BenchmarkError, match="ended before it answered"):
        await_ready(free_port(), since=0.0, alive=lambda: False, within=float("inf"))


def test_nothing_of_the_callers_aws_reaches_an_emulator():
    environment = clean_environment({"AWS_X": "kept"})
    assert [name for name in environment if name.startswith("AWS_")] == ["AWS_X"]
    assert "PYTHONDONTWRITEBYTECODE" not in environment


def test_a_row_of_a_part_must_say_what_it_is():
    row = {"name": "fork", "ours": 3.0, "unit": "ms", "target": 5}
    assert (figure("launcher", row).target, figure("launcher", row).group) == (5, "launcher")
    with pytest.raises(ValueError, match="lacks ours, unit"):
        figure("launcher", {"name": "fork"})
