"""Shares of the processors where no quota can be set, and control groups that were left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from mdlc_emulator.container.processors import PREFIX, Groups

PROGRAM = """
import json, os, sys
from mdlc_emulator.container.processors import Groups
groups = Groups()
groups.parent = ""
for cpus in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        groups.enter("x", cpus, True)
        print(json.dumps(sorted(os.sched_getaffinity(0))), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    groups.passed(cpus)
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system binds no process to processors")
def test_whole_processors_are_given_in_turn() -> None:
    asked = [0.25, 1.0, None, 1.5, 64.0]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(asked)], capture_output=True, text=True, check=True
    )
    given = [json.loads(line) for line in done.stdout.splitlines()]
    present = sorted(os.sched_getaffinity(0))
    assert [len(one) for one in given] == [1, 1, len(present), min(2, len(present)), len(present)]
    if len(present) > 1:
        assert given[0] != given[1]


def test_what_a_killed_zygote_left_is_swept_by_the_next() -> None:
    first = Groups()
    if not first.parent:
        pytest.skip("no control groups can be made here")
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = f"{first.parent}/{PREFIX}{ended.pid}-c-left"
    os.mkdir(left)  # noqa: PTH102
    mine = f"{first.parent}/{PREFIX}{os.getpid()}-c-mine"
    os.mkdir(mine)  # noqa: PTH102
    try:
        Groups()
        assert not os.path.exists(left)  # noqa: PTH110
        assert os.path.exists(mine)  # noqa: PTH110
    finally:
        first.remove("c-mine")
    assert not os.path.exists(mine)  # noqa: PTH110
