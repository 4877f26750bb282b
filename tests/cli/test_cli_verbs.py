"""The `mdlc` command as a user's shell sees it: words, exit codes, JSON."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("cli")

MDLC = Path(sys.executable).with_name("mdlc")
type Mdlc = Callable[..., subprocess.CompletedProcess[str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(state: Path, **variables: str) -> Mdlc:
    """`mdlc` with a state directory of its own."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MDLC_"))
    }
    environment |= {"XDG_STATE_HOME": str(state), **variables}

    def mdlc(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(MDLC), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return mdlc


@pytest.fixture
def mdlc(tmp_path: Path) -> Iterator[Mdlc]:
    run = command(tmp_path / "state")
    yield run
    run("down", "--all")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Mdlc]:
    """One emulator for the tests of this module that only look."""
    run = command(tmp_path_factory.mktemp("state"))
    started = run("up", "--port", str(port))
    assert started.returncode == 0, started.stderr
    yield run
    run("down", "--all")


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    """A failure is one line on stderr that ends like a sentence, with no traceback."""
    assert done.returncode == code, done.stderr
    assert re.search(words, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.rstrip().endswith(".")


def test_up_and_down(mdlc: Mdlc) -> None:
    port = str(free_port())
    started = mdlc("up", "--port", port)
    assert started.returncode == 0, started.stderr
    assert f"http://127.0.0.1:{port} is ready" in started.stdout
    assert f'eval "$(mdlc env --port {port})"' in started.stdout
    ended = mdlc("down", "--port", port)
    assert ended.returncode == 0
    assert f"The emulator on port {port} has ended" in ended.stdout
    assert mdlc("down", "--port", port).returncode == 3


def test_two_side_by_side_and_down_all(mdlc: Mdlc) -> None:
    ports = sorted([free_port(), free_port()])
    for port in ports:
        assert mdlc("up", "--port", str(port)).returncode == 0
    found = json.loads(mdlc("status", "--json").stdout)["instances"]
    assert [one["port"] for one in found] == ports
    assert_one_sentence(mdlc("env"), 2, rf"ports {ports[0]}, {ports[1]}: name one with --port")
    ended = json.loads(mdlc("down", "--all", "--json").stdout)["ended"]
    assert [one["port"] for one in ended] == ports
    assert mdlc("status").returncode == 3


def test_a_port_that_is_ours_already(up: Mdlc, port: int) -> None:
    assert_one_sentence(up("up", "--port", str(port)), 4, rf"already runs on port {port} .*`mdlc down --port")


def test_a_port_that_somebody_else_has(mdlc: Mdlc) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_one_sentence(mdlc("up", "--port", str(port)), 4, rf"taken by .* \(pid {os.getpid()}\)")
        told = json.loads(mdlc("up", "--port", str(port), "--json").stdout)
    assert told["exit_code"] == 4
    assert f"Port {port} is taken" in told["error"]


@pytest.mark.parametrize("verb", ["down", "env", "logs", "status --fidelity"])
def test_with_nothing_running(mdlc: Mdlc, verb: str) -> None:
    assert_one_sentence(mdlc(*verb.split()), 3, "No emulator is running: start one with `mdlc up`")


def test_status_with_nothing_running(mdlc: Mdlc) -> None:
    done = mdlc("status", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (3, {"instances": []})


def test_status_shows_what_runs(up: Mdlc, port: int) -> None:
    (found,) = json.loads(up("status", "--json").stdout)["instances"]
    assert found["port"] == port
    assert found["endpoint_url"] == f"http://127.0.0.1:{port}"
    assert found["kind"] == "background"
    assert 0 < found["memory_mib"] < 2000
    assert found["engine"], "what the engine says of itself"
    words = up("status")
    assert words.returncode == 0
    assert f"http://127.0.0.1:{port}, answering" in words.stdout


def test_status_of_fidelity_counts_calls(up: Mdlc, port: int) -> None:
    sqs = client("sqs", port)
    sqs.create_queue(QueueName="counted")
    report = json.loads(up("status", "--fidelity", "--json").stdout)
    created = [entry for entry in report["entries"] if entry["operation"] == "CreateQueue"]
    assert [(entry["service"], entry["fidelity"]) for entry in created] == [("sqs", "executed")]
    words = up("status", "--fidelity")
    assert words.returncode == 0
    assert "CreateQueue" in words.stdout


def client(service: str, port: int):  # type: ignore[no-untyped-def] # boto3 has no types of its own
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="test",
    )


def test_env_aims_every_client_of_a_shell(up: Mdlc, port: int) -> None:
    lines = up("env", "--shell", "sh").stdout
    code = (
        "import boto3; c = boto3.client('sts'); print(c.get_caller_identity()['Account'], c.meta.region_name)"
    )
    script = f'eval \'{lines}\'; {sys.executable} -c "{code}"; eval "$UNSET"; env | grep -c ^AWS_'
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment["UNSET"] = up("env", "--shell", "sh", "--unset").stdout
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["000000000000 us-east-1", "0"], done.stderr


def test_env_speaks_fish_when_that_is_the_shell(up: Mdlc, port: int, tmp_path: Path) -> None:
    assert f"set -gx AWS_ENDPOINT_URL http://127.0.0.1:{port};" in up("env", "--shell", "fish").stdout
    assert "set -e AWS_ENDPOINT_URL;" in command(tmp_path, SHELL="/usr/bin/fish")("env", "--unset").stdout


def test_env_for_machines(up: Mdlc, port: int) -> None:
    values = json.loads(up("env", "--json", "--account", "123456789012", "--region", "eu-west-1").stdout)
    assert values == {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "123456789012",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def test_the_port_comes_from_the_environment_too(tmp_path: Path, up: Mdlc) -> None:
    chosen = str(free_port())
    assert_one_sentence(command(tmp_path, MDLC_PORT=chosen)("env"), 3, f"No emulator runs on port {chosen}")


def test_logs_of_the_engine(up: Mdlc) -> None:
    assert "Ready." in up("logs").stdout
    assert len(json.loads(up("logs", "-n", "1", "--json").stdout)["lines"]) == 1


def test_logs_of_a_function(up: Mdlc, port: int) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(
            "index.py", "def handler(event, context):\n    print('said by the function', event)\n"
        )
    lambda_ = client("lambda", port)
    lambda_.create_function(
        FunctionName="talks",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": package.getvalue()},
    )
    lambda_.get_waiter("function_active_v2").wait(FunctionName="talks", WaiterConfig={"Delay": 1})
    lambda_.invoke(FunctionName="talks", Payload=b"41")
    eventually(lambda: "said by the function 41" in up("logs", "talks").stdout)
    events = json.loads(up("logs", "talks", "--json").stdout)["events"]
    assert any("said by the function 41" in event["message"] for event in events)


def test_logs_of_a_function_that_is_none(up: Mdlc) -> None:
    assert_one_sentence(up("logs", "no-such-function"), 1, "no log group /aws/lambda/no-such-function")


def test_logs_are_followed_until_interrupted(up: Mdlc, port: int, tmp_path: Path) -> None:
    state = json.loads(up("status", "--json").stdout)["instances"][0]["log"]
    assert Path(state).exists()
    output = tmp_path / "followed"
    environment = dict(os.environ, XDG_STATE_HOME=str(record_home(up)))
    with output.open("w") as sink:
        follower = subprocess.Popen(
            [str(MDLC), "logs", "-f", "-n", "1"],
            env=environment,
            stdout=sink,
            stderr=subprocess.PIPE,
            text=True,
        )
        eventually(lambda: output.stat().st_size > 0)
        client("sqs", port).create_queue(QueueName="while-following")
        eventually(lambda: "sqs.CreateQueue" in output.read_text())
        follower.send_signal(signal.SIGINT)
        _, errors = follower.communicate(timeout=10)
    assert follower.returncode == 130
    assert errors.strip() == "mdlc: Interrupted."


def record_home(mdlc: Mdlc) -> Path:
    """The state directory that `mdlc` was made with."""
    closure = mdlc.__closure__  # type: ignore[attr-defined]
    environment = next(cell.cell_contents for cell in closure if isinstance(cell.cell_contents, dict))
    return Path(environment["XDG_STATE_HOME"])


@pytest.mark.long
def test_logs_of_an_engine_that_died_are_named(mdlc: Mdlc) -> None:
    port = str(free_port())
    assert mdlc("up", "--port", port).returncode == 0
    pid = json.loads(mdlc("status", "--port", port, "--json").stdout)["instances"][0]["pid"]
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    eventually(lambda: mdlc("status", "--port", port).returncode == 3)
    done = mdlc("logs", "--port", port)
    assert_one_sentence(done, 3, r"The last one died; its log is /.*\.log")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_broken_off_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    environment = dict(os.environ, XDG_STATE_HOME=str(tmp_path))
    port = free_port()
    starting = subprocess.Popen(
        [str(MDLC), "up", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    record = tmp_path / "mdlc-emulator" / "instances" / f"{port}.json"
    home = Path(json.loads(eventually(lambda: record.exists() and record.read_text()))["home"])
    starting.send_signal(number)
    _, errors = starting.communicate(timeout=20)
    if number == signal.SIGINT:
        assert (starting.returncode, errors.strip()) == (130, "mdlc: Interrupted.")
    eventually(lambda: not record.exists() and not home.exists())


def test_strict_reaches_the_engine(mdlc: Mdlc) -> None:
    port = str(free_port())
    assert mdlc("up", "--port", port, "--strict").stdout.splitlines()[0].endswith("strict.")
    (found,) = json.loads(mdlc("status", "--json").stdout)["instances"]
    assert found["engine"]["strict"] is True


def test_status_says_that_functions_have_no_sandbox(tmp_path: Path) -> None:
    run, port = command(tmp_path, MDLC_LAMBDA_SANDBOX="off"), free_port()
    assert run("up", "--port", str(port)).returncode == 0
    try:
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", "def handler(event, context): return 1")
        client("lambda", port).create_function(
            FunctionName="open",
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/open",
            Handler="index.handler",
            Code={"ZipFile": package.getvalue()},
        )
        client("lambda", port).invoke(FunctionName="open")
        assert "Functions run without a sandbox: switched off." in run("status").stdout
    finally:
        run("down", "--all")


def test_an_engine_that_cannot_start_shows_its_log_and_a_sentence(tmp_path: Path) -> None:
    done = command(tmp_path, GATEWAY_SERVER="no-such-server")("up", "--port", str(free_port()))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("mdlc: The engine could not start")
    assert "no-such-server" in done.stderr


def test_a_fault_of_ours_is_a_sentence_too(tmp_path: Path) -> None:
    """What nobody has thought of, here a record of a dead emulator with an impossible directory."""
    record = {
        "port": 4999,
        "home": "a\0b",
        "engine": [1, "-"],
        "supervisor": [1, "-"],
        "since": 0,
        "details": {},
    }
    path = tmp_path / "mdlc-emulator" / "instances" / "4999.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record))
    done = command(tmp_path)("status")
    assert_one_sentence(done, 1, r"went wrong inside \(ValueError: .*\): MDLC_DEBUG=1 shows where")
    assert "Traceback" in command(tmp_path, MDLC_DEBUG="1")("status").stderr


def test_usage_errors_are_told_as_such(mdlc: Mdlc) -> None:
    for wrong in (
        ["up", "--port", "seventy"],
        ["up", "--port", "0"],
        ["no-such-verb"],
        ["logs", "--no-such"],
    ):
        done = mdlc(*wrong)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_up_imports_nothing_of_weight() -> None:
    """The time of `mdlc up` is the engine's: neither an AWS SDK nor a terminal library is imported for it."""
    code = (
        "import sys, cli.main, cli.up, cli.down\n"
        "print({'boto3', 'botocore', 'rich', 'chalice', 'yaml', 'asyncio'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_command_is_listed_and_documented() -> None:
    from cli.main import COMMANDS

    listed = subprocess.run([str(MDLC), "--help"], capture_output=True, text=True, check=True).stdout
    manual = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    for name in COMMANDS:
        assert f"  {name} " in listed
        assert f"`mdlc {name}" in manual, f"docs/cli.md does not mention mdlc {name}"


def test_a_fault_in_what_the_user_wrote_names_its_place(tmp_path: Path) -> None:
    program = """
        import sys
        from cli import main
        sys.path.insert(0, sys.argv[1])
        main.COMMANDS["broken"] = ("written:command", "Imports what the user wrote.")
        sys.exit(main.run(["broken"]))
    """
    (tmp_path / "written.py").write_text("one = 1\ndef (\n")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert_one_sentence(done, 1, r"written\.py:2 is not valid Python \(invalid syntax\): mend it")
