"""However a container ends, it is told truly, and nothing of it is left."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from mdlc_emulator.engine.containers.contract import ContainerError, ContainerSpec, Ending, Exit, Mount
from mdlc_emulator.supervisor.host import descendants

from tests.emulator.containers.conftest import Runner
from tests.waiting import eventually


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_exit_code_is_the_commands(run: Runner, code: int) -> None:
    ended, _ = run.run("sh", "-c", f"exit {code}")
    assert (ended.code, ended.ending) == (code, Ending.EXITED)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT])
def test_a_signal_is_told_as_a_shell_tells_it(run: Runner, number: signal.Signals) -> None:
    ended, _ = run.run("sh", "-c", f"kill -{number.value} $$")
    assert ended.code == 128 + number


def test_stop_is_a_request_that_the_command_can_answer(run: Runner) -> None:
    container = run.start("sh", "-c", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.02; done")
    eventually(lambda: run.lines == ["up"])
    container.stop(20)
    ended = container.wait(10)
    assert ended is not None
    assert (ended.code, ended.ending, run.lines) == (7, Ending.STOPPED, ["up", "bye"])


def test_what_does_not_answer_is_killed_after_the_grace_with_all_it_started(run: Runner) -> None:
    script = "trap '' TERM; setsid sleep 300 & sleep 300 & echo up; wait; wait; sleep 300"
    container = run.start("sh", "-c", script)
    eventually(lambda: run.lines == ["up"])
    below = [container.process_id, *descendants(container.process_id)]
    assert len(below) >= 2
    container.stop(0.2)
    ended = container.wait(10)
    assert ended is not None
    assert (ended.code, ended.ending) == (137, Ending.STOPPED)
    assert not [pid for pid in below if alive(pid)]


def test_a_second_stop_may_shorten_the_grace(run: Runner) -> None:
    container = run.start("sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.02; done")
    eventually(lambda: run.lines == ["up"])
    container.stop(600)
    container.stop(0)
    ended = container.wait(10)
    assert ended is not None
    assert ended.ending is Ending.STOPPED


def test_what_outlives_the_command_ends_with_it(run: Runner) -> None:
    lines: list[str] = []
    container = run.start(
        "sh", "-c", "setsid sleep 300 & sleep 300 & echo up; read x <&3", on_line=lines.append
    )
    ended = container.wait(10)
    assert ended is not None
    assert ended.code != 137
    eventually(lambda: not [pid for pid in descendants(os.getpid()) if "sleep\0300" in cmdline(pid)])


def cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_orphans_are_reaped(run: Runner) -> None:
    counted = "ps -e -o ppid=,stat= | awk -v me=$PPID '$1 == me && $2 ~ /^Z/' | wc -l"
    script = f"for i in 1 2 3 4 5; do (sh -c ':' &) ; done; sleep 0.3; {counted}"
    assert run.sh(script)[-1].strip() == "0"


def test_memory_beyond_the_limit_ends_it(run: Runner) -> None:
    code = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = b\"x\" * (300 << 20); input()'])"
    )
    ended = run.python(code, memory_mib=150).wait(20)
    assert ended is not None
    assert (ended.code, ended.ending) == (137, Ending.OUT_OF_MEMORY)


def test_memory_that_processes_share_counts_once(run: Runner) -> None:
    code = """
import os, time
x = b"x" * (100 << 20)
children = [os.fork() for _ in range(1)]
if children[0]:
    more = os.fork()
time.sleep(0.6)
"""
    ended = run.python(code, memory_mib=200).wait(20)
    assert ended is not None
    assert ended.ending is Ending.EXITED


def test_wait_gives_up_after_its_timeout_and_when_over_is_called_once(run: Runner) -> None:
    over: list[Exit] = []
    threads: list[str] = []
    container = run.start("sh", "-c", "read x < /opt/none || sleep 0.4; exit 2")
    container.when_over(lambda ended: (over.append(ended), threads.append(threading.current_thread().name)))
    assert container.wait(0.05) is None
    ended = container.wait(10)
    eventually(lambda: len(over) == 1)
    container.when_over(over.append)
    eventually(lambda: len(over) == 2)
    assert over == [ended, ended]
    assert threads[0] != threading.current_thread().name


def test_all_may_be_called_after_the_end(run: Runner) -> None:
    container = run.start("true")
    container.wait(10)
    container.stop(1)
    assert container.memory_mib() == 0
    assert container.processor_seconds() < 1
    with pytest.raises(OSError, match=r".+"):
        container.connect(8080, 0.2)


def test_use_is_measured_over_all_processes(run: Runner) -> None:
    code = """
import os, sys
pid = os.fork()
x = b"x" * (40 << 20)
sum(range(4_000_000))
print("up", flush=True)
os.read(0, 1) if pid == 0 else None
import time; time.sleep(30)
"""
    container = run.python(code)
    eventually(lambda: run.lines.count("up") == 2)
    assert 80 < container.memory_mib() < 300
    assert 0.05 < container.processor_seconds() < 10
    container.stop(0)
    container.wait(10)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"command": ["no-such-program"]}, "no-such-program: No such file"),
        ({"command": []}, "has no command"),
        ({"ml": Path("/no/such/place")}, "no such file or directory"),
        ({"mounts": [Mount(Path("/etc"), "/")]}, "choose a path below"),
        ({"cpus": -1.0}, "ask for more than 0"),
        ({"ulimits": {"wishes": (3, 3)}}, "no such limit"),
        ({"user": "nobody-like-that"}, "no such user"),
    ],
)
def test_what_cannot_be_started_is_said_in_a_sentence(
    run: Runner, change: dict[str, object], sentence: str
) -> None:
    spec = {"name": "job", "command": ["true"], "environment": {"PATH": "/usr/bin:/bin"}, **change}
    with pytest.raises(ContainerError, match=sentence):
        run.containers.start(ContainerSpec(**spec), print)  # type: ignore[arg-type]


def test_files_descriptors_and_directories_are_given_back(run: Runner) -> None:
    run.sh("true")
    eventually(lambda: not list(run.home.glob("containers/c-*")))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        run.sh("touch /tmp/x")
    eventually(lambda: not list(run.home.glob("containers/c-*")))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_many_at_once(run: Runner) -> None:
    found: list[list[str]] = [[] for _ in range(12)]

    def one(number: int) -> None:
        spec = ContainerSpec("job", ["sh", "-c", f"echo {number}"], {"PATH": "/usr/bin:/bin"})
        run.containers.start(spec, found[number].append).wait(30)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[str(number)] for number in range(12)]
