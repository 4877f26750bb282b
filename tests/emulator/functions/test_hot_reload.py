"""A change of code is seen by the next invocation."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.engine.functions.hot_reload import fingerprint
from mdlc_emulator.pytest_plugin import Aws


def rename(directory: Path) -> None:
    (directory / "pkg" / "b.py").rename(directory / "pkg" / "c.py")


CHANGES: dict[str, Callable[[Path], object]] = {
    "edited": lambda directory: (directory / "a.py").write_text("y = 2"),
    "edited with the same length": lambda directory: (directory / "a.py").write_text("x = 2"),
    "added": lambda directory: (directory / "pkg" / "new.py").write_text(""),
    "removed": lambda directory: (directory / "pkg" / "b.py").unlink(),
    "renamed": rename,
    "package removed": lambda directory: shutil.rmtree(directory / "pkg"),
}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "b.py").write_text("")
    return tmp_path


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_file_counts(code: Path, change: str) -> None:
    before = fingerprint(code)
    assert fingerprint(code) == before
    CHANGES[change](code)
    assert fingerprint(code) != before


def test_hidden_and_compiled_files_do_not_count(code: Path) -> None:
    before = fingerprint(code)
    for path in (code / ".git" / "index", code / "pkg" / "__pycache__" / "b.pyc", code / ".swp"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert fingerprint(code) == before


def test_a_directory_of_this_machine_is_reloaded_while_warm(aws: Aws, tmp_path: Path) -> None:
    code = tmp_path / "readable by its owner only"
    code.mkdir(mode=0o700)
    (code / "index.py").write_text(
        "import part\ncalls = []\ndef handler(*_):\n  calls.append(1)\n  return [part.x, len(calls)]"
    )
    (code / "part.py").write_text("x = 1")
    client = aws.client("lambda")
    client.create_function(
        FunctionName="hot-reloaded",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/hot",
        Code={"S3Bucket": "hot-reload", "S3Key": str(code)},
    )
    client.get_waiter("function_active_v2").wait(FunctionName="hot-reloaded", WaiterConfig={"Delay": 1})

    def call() -> Any:
        return json.loads(client.invoke(FunctionName="hot-reloaded")["Payload"].read())

    assert [call(), call()] == [[1, 1], [1, 2]]
    (code / "part.py").write_text("x = 2")
    assert [call(), call()] == [[2, 1], [2, 2]]
    (code / "part.py").write_text("x =")
    assert call()["errorType"] == "Runtime.UserCodeSyntaxError"
    (code / "part.py").write_text("x = 3")
    assert call() == [3, 1]
    client.delete_function(FunctionName="hot-reloaded")
