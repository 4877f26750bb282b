"""Function processes inside a running emulator: what is kept on disk, what is said, what is left."""

import base64
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mdlc_emulator.engine.functions.interpreters import VERSIONS, interpreter
from mdlc_emulator.launcher import Instance, start
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

Make = Callable[..., str]


def package(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def make(aws: Aws) -> Iterator[Make]:
    """`make({path: content}, **settings)`: the name of a new function."""
    client = aws.client("lambda")
    made: list[str] = []

    def function(files: Mapping[str, str | bytes], **settings: Any) -> str:
        name = f"executor-{os.urandom(4).hex()}"
        wanted = {
            "Runtime": "python3.13",
            "Role": "arn:aws:iam::000000000000:role/x",
            "Timeout": 10,
        } | settings
        client.create_function(
            FunctionName=name, Handler="index.handler", Code={"ZipFile": package(files)}, **wanted
        )
        made.append(name)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    yield function
    for name in made:
        client.delete_function(FunctionName=name)


def call(aws: Aws, name: str, event: Any = None) -> tuple[Any, str]:
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()


def test_code_is_unpacked_once_for_all_functions_and_removed_with_the_last(
    aws: Aws, emulator: Instance
) -> None:
    client = aws.client("lambda")
    zipped = package({"index.py": f"# {os.urandom(8).hex()}\ndef handler(*_): return __file__"})
    names = [f"shared-{os.urandom(4).hex()}" for _ in range(3)]
    root = emulator.home / "tmp" / "lambda" / "code"
    before = set(root.iterdir()) if root.exists() else set()
    for name in names:
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Code={"ZipFile": zipped},
            Role="arn:aws:iam::000000000000:role/x",
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        assert call(aws, name)[0] == "/var/task/index.py" or call(aws, name)[0].endswith("/index.py")
    assert len(set(root.iterdir()) - before) == 1
    for name in names:
        client.delete_function(FunctionName=name)
    eventually(lambda: set(root.iterdir()) - before == set())


@pytest.mark.parametrize("version", VERSIONS)
def test_every_python_of_this_machine_runs_the_same_function(aws: Aws, make: Make, version: str) -> None:
    if interpreter(version) is None:
        with pytest.raises(aws.client("lambda").exceptions.InvalidParameterValueException, match=version):
            make({"index.py": ""}, Runtime=f"python{version}")
        return
    code = """
import boto3, sys
def handler(event, context):
    if event == "fail":
        raise ValueError("é")
    return [sys.version_info[:2], boto3.client("s3").meta.region_name, "é€𝄞", event]
"""
    name = make({"index.py": code}, Runtime=f"python{version}")
    event = {"n": 1.5, "text": "é€𝄞", "big": 2**70}
    expected = [[int(part) for part in version.split(".")], "us-east-1", "é€𝄞", event]
    assert call(aws, name, event)[0] == expected
    assert call(aws, name, "fail")[0]["errorType"] == "ValueError"
    assert call(aws, name, event)[0] == expected


def test_shared_libraries_of_code_and_layers_are_found_by_their_names(aws: Aws, make: Make) -> None:
    """The dynamic linker reads LD_LIBRARY_PATH once, long before the function's directories exist."""
    library = next(Path(path) for path in sys.path if path.endswith("lib-dynload")).glob("_*.so")
    content = next(library).read_bytes()
    client = aws.client("lambda")
    layer = client.publish_layer_version(
        LayerName="with-library", Content={"ZipFile": package({"lib/libof_layer.so": content})}
    )["LayerVersionArn"]
    code = "import ctypes\ndef handler(event, context): return [ctypes.CDLL(name)._name for name in event]"
    name = make({"index.py": code, "lib/libof_code.so": content, "libof_root.so": content}, Layers=[layer])
    names = ["libof_layer.so", "libof_code.so", "libof_root.so"]
    assert call(aws, name, names)[0] == names


def test_extensions_are_not_started_and_that_is_said(aws: Aws, make: Make) -> None:
    client = aws.client("lambda")
    layer = client.publish_layer_version(
        LayerName="with-extension", Content={"ZipFile": package({"extensions/watcher": "#!/bin/sh\n"})}
    )["LayerVersionArn"]
    name = make({"index.py": "def handler(*_): return 1"}, Layers=[layer])
    answer, log = call(aws, name)
    assert answer == 1
    assert "EXTENSION\tName: watcher\tState: NotStarted" in log


def test_without_a_sandbox_functions_find_their_places_by_variables() -> None:
    instance = start(settings={"MDLC_LAMBDA_SANDBOX": "off"})
    try:
        aws = Aws(instance.endpoint_url)
        client = aws.client("lambda")
        code = "import os, tempfile\nfrom pathlib import Path\ndef handler(*_):\n"
        code += "    return [os.environ['LAMBDA_TASK_ROOT'], os.getcwd(), __file__, tempfile.gettempdir()]\n"
        client.create_function(
            FunctionName="chosen",
            Runtime="python3.13",
            Handler="index.handler",
            Code={"ZipFile": package({"index.py": code})},
            Role="arn:aws:iam::000000000000:role/x",
        )
        client.get_waiter("function_active_v2").wait(FunctionName="chosen", WaiterConfig={"Delay": 1})
        root, current, file, temporary = call(aws, "chosen")[0]
        assert root == current == str(Path(file).parent)
        assert Path(root).is_relative_to(instance.home)
        assert Path(temporary).is_relative_to(instance.home)
        assert "Functions run without /var/task" in instance.log.read_text()
    finally:
        instance.stop()
    eventually(lambda: not instance.home.exists())
