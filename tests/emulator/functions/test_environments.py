"""Environments of processes: reuse, limits, interruption, and no process left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mdlc_emulator.engine.functions.environment import RESPONSE_LIMIT, Environment
from mdlc_emulator.engine.functions.zygotes import Zygote

from tests.emulator.functions.conftest import Make, event
from tests.waiting import eventually

ECHO = "def handler(event, context):\n    return event\n"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def processes(mark: str) -> list[int]:
    """Processes of this machine whose environment or arguments hold `mark`."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and int(directory.name) != os.getpid():
            try:
                text = (directory / "cmdline").read_bytes() + (directory / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in text:
                found.append(int(directory.name))
    return found


@pytest.fixture
def echo(make: Make) -> Environment:
    environment = make(ECHO, memory_mb=1024)
    assert environment.start(10).kind == "ready"
    return environment


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_any_json_value_comes_back_as_it_was(echo: Environment, value: object) -> None:
    outcome = echo.invoke(event("id", json.dumps(value).encode()), 10)
    assert outcome.kind == "answer"
    assert outcome.answer is not None
    assert not outcome.answer.is_error
    assert json.loads(outcome.answer.body) == value


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, RESPONSE_LIMIT - 2), st.sampled_from(["x", "é", "𝄞", '"']))
def test_any_size_up_to_the_limit_comes_back(echo: Environment, size: int, letter: str) -> None:
    text = letter * (size // len(json.dumps(letter, ensure_ascii=False).encode()))
    outcome = echo.invoke(event("id", json.dumps(text, ensure_ascii=False).encode()), 20)
    assert outcome.answer is not None
    assert json.loads(outcome.answer.body) == text


@pytest.fixture
def bytes_of_hex(make: Make) -> Environment:
    return make("def handler(event, context):\n    return bytes.fromhex(event)\n")


@given(st.binary(max_size=2000))
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_are_returned_as_they_are(bytes_of_hex: Environment, content: bytes) -> None:
    outcome = bytes_of_hex.invoke(event("id", json.dumps(content.hex()).encode()), 10)
    assert outcome.answer is not None
    assert outcome.answer.body == content


ENDINGS = {
    "answer": "answer",
    "error": "answer",
    "exit": "exit",
    "signal": "exit",
    "sleep": "timeout",
    "memory": "out_of_memory",
    "leave": "answer",
}


@pytest.fixture
def fate(make: Make) -> Environment:
    """A function that ends as it is told."""
    return make(
        """
        import os, subprocess, time
        def handler(event, context):
            if event == "error":
                raise ValueError(event)
            if event == "exit":
                os._exit(7)
            if event == "signal":
                os.kill(os.getpid(), 9)
            if event == "sleep":
                time.sleep(60)
            if event == "memory":
                return len(bytearray(300 << 20))
            if event == "leave":
                subprocess.Popen(["sleep", "600"], start_new_session=True)
            return event
        """,
        memory_mb=150,
    )


@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(ENDINGS)), max_size=8))
def test_how_an_invocation_ends_does_not_depend_on_how_others_ended(
    fate: Environment, events: list[str]
) -> None:
    for name in events:
        outcome = fate.invoke(event("id", json.dumps(name).encode()), 0.6 if name == "sleep" else 20)
        assert (name, outcome.kind) == (name, ENDINGS[name])
        if name == "exit":
            assert outcome.status == 7
        if name == "signal":
            assert outcome.status == -signal.SIGKILL
        if outcome.answer is not None:
            assert outcome.answer.is_error == (name == "error")
            assert name == "error" or json.loads(outcome.answer.body) == name


def test_an_environment_that_is_stopped_ends_what_runs_in_it(make: Make) -> None:
    environment = make("import time\ndef handler(event, context):\n    time.sleep(60)\n")
    assert environment.start(10).kind == "ready"
    threading.Timer(0.3, environment.close).start()
    began = time.monotonic()
    assert environment.invoke(event("id", b"{}"), 60).kind == "stopped"
    assert time.monotonic() - began < 5


def test_a_closed_environment_gives_its_descriptors_back(make: Make) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for how in ("idle", "running", "never started"):
        environment = make("import time\ndef handler(event, context):\n    time.sleep(60)\n")
        if how != "never started":
            assert environment.start(10).kind == "ready"
        if how == "running":
            threading.Timer(0.2, environment.close).start()
            assert environment.invoke(event("id", b"{}"), 60).kind == "stopped"
        environment.close()
        assert environment.invoke(event("id", b"{}"), 1).kind == "stopped"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_runtime_that_ends_after_its_answer_does_not_cost_the_next_event(make: Make) -> None:
    environment = make(
        """
        import os, threading
        def handler(event, context):
            threading.Timer(0.02, os._exit, (0,)).start()
            return os.getpid()
        """
    )
    for _ in range(8):
        outcome = environment.invoke(event("id", b"{}"), 10)
        assert outcome.kind == "answer" or (outcome.kind == "exit" and outcome.status == 0)
    eventually(lambda: not environment.ready or environment.invoke(event("id", b"{}"), 10).kind == "answer")


def test_what_is_over_its_memory_ends_though_it_answers(make: Make) -> None:
    environment = make(
        "def handler(event, context):\n    return len(bytearray(event << 20))\n", memory_mb=100
    )
    assert environment.invoke(event("id", b"10"), 10).kind == "answer"
    assert environment.invoke(event("id", b"150"), 10).kind == "out_of_memory"
    assert environment.invoke(event("id", b"10"), 10).kind == "answer"


def test_a_storm_of_output_is_kept_while_the_function_runs(make: Make) -> None:
    environment = make("def handler(event, context):\n    for n in range(50_000): print('line', n)\n")
    assert environment.invoke(event("id", b"0"), 60).kind == "answer"
    lines = environment.take_log().splitlines()
    assert len(lines) == 50_000
    assert lines[-1] == "line 49999"


@pytest.mark.parametrize("how", ["close", "timeout"])
def test_nothing_that_a_function_started_is_left(make: Make, how: str) -> None:
    mark = f"orphan-{os.getpid()}-{how}-{time.monotonic_ns()}"
    environment = make(
        f"""
        import subprocess, sys, time
        def handler(event, context):
            program = "import time, os; os.getsid(0) == os.getpid() or os.setsid(); time.sleep(600)"
            for detached in (True, False):
                subprocess.Popen([sys.executable, "-c", program, "{mark}"], start_new_session=detached)
            time.sleep(event)
        """
    )
    assert environment.invoke(event("id", b"0"), 10).kind == "answer"
    eventually(lambda: len(processes(mark)) == 2)
    if how == "close":
        environment.close()
    else:
        assert environment.invoke(event("id", b"60"), 0.5).kind == "timeout"
    eventually(lambda: processes(mark) == [])


KILLED = """
import sys
sys.path.insert(0, {root!r})
import pathlib, tempfile
from tests.emulator.functions.conftest import MODES, event, launch_request
from mdlc_emulator.engine.functions.environment import Environment
from mdlc_emulator.engine.functions.interpreters import OWN, interpreter
from mdlc_emulator.engine.functions.runtime_process import RuntimeProcess
from mdlc_emulator.engine.functions.zygotes import Zygote

zygote = Zygote(interpreter(OWN), (), MODES[{mode!r}])
code = pathlib.Path({code!r})
spawn = lambda poller, address: RuntimeProcess(poller, zygote, launch_request(zygote, code, code, address, 1))
environment = Environment(spawn, 1 << 30)
print(environment.start(10).kind, flush=True)
environment.invoke(event("id", b"0"), 600)
"""


def test_nothing_is_left_when_the_emulator_is_killed(zygote: Zygote, tmp_path: Path) -> None:
    """A process of its own starts a function that starts programs, and is killed without warning."""
    mark = f"killed-{os.getpid()}-{time.monotonic_ns()}"
    tmp_path.chmod(0o755)
    (tmp_path / "index.py").write_text(
        "import subprocess, sys, time\n"
        "def handler(event, context):\n"
        "    program = 'import time; time.sleep(600)'\n"
        f"    subprocess.Popen([sys.executable, '-c', program, '{mark}'], start_new_session=True)\n"
        "    time.sleep(600)\n"
    )
    root = str(Path(__file__).parents[3])
    script = KILLED.format(root=root, code=str(tmp_path), mode=zygote.facts().sandbox)
    emulator = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root)
    assert emulator.stdout is not None
    assert emulator.stdout.readline() == b"ready\n"
    eventually(lambda: processes(mark))
    below = _tree(emulator.pid)
    emulator.send_signal(signal.SIGKILL)
    emulator.wait()
    emulator.stdout.close()
    eventually(lambda: processes(mark) == [])
    eventually(lambda: [pid for pid in below if _alive(pid)] == [])


def _tree(pid: int) -> list[int]:
    found: list[int] = []
    for child in Path(f"/proc/{pid}/task").glob("*/children"):
        for word in child.read_text().split():
            found += [int(word), *_tree(int(word))]
    return found


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_a_function_inherits_nothing_but_its_standard_streams(make: Make) -> None:
    environment = make(
        """
        import os
        def handler(event, context):
            return [os.readlink(f"/proc/self/fd/{number}") for number in range(64)
                    if os.path.lexists(f"/proc/self/fd/{number}")]
        """
    )
    outcome = environment.invoke(event("id", b"0"), 10)
    assert outcome.answer is not None
    source, out, errors, connection = json.loads(outcome.answer.body)
    assert source == "/dev/null"
    assert out == errors
    assert out.startswith("pipe:")
    assert connection.startswith("socket:")  # to the Runtime API


def test_the_host_is_out_of_sight_in_a_sandbox_and_only_there(make: Make, zygote: Zygote) -> None:
    environment = make(
        """
        import os
        def handler(event, context):
            hidden = os.listdir("/.host") if os.path.isdir("/.host") else []
            return [sorted(os.listdir("/")), open("/proc/1/cmdline").read(), hidden]
        """
    )
    outcome = environment.invoke(event("id", b"0"), 10)
    assert outcome.answer is not None
    top, command, hidden = json.loads(outcome.answer.body)
    if zygote.facts().sandbox == "none":
        assert top == sorted(path.name for path in Path("/").iterdir())
        return
    assert not {"home", "root", "work", "srv", "mnt", "sys"} & set(top)
    assert hidden == []
    assert not re.search(r"/(home|root|work|tmp)/", command)
