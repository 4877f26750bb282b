"""When a function is ready, and that it says so neither too early nor too late."""

import hashlib
import io
import urllib.request
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions, zipped
from tests.waiting import eventually

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html")


def version(number: int) -> bytes:
    return zipped({"index.py": f"def handler(event, context):\n    return {number}\n"})


def test_a_new_function_is_pending_in_the_answer_and_active_soon(
    aws: Aws, role: str, unique: Callable[[str], str]
) -> None:
    client = aws.client("lambda")
    name = unique("f")
    made = client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": version(1)},
    )
    assert made["State"] == "Pending"
    assert made["StateReasonCode"] == "Creating"

    def active() -> Any:
        found = client.get_function(FunctionName=name)["Configuration"]
        return found if found["State"] == "Active" else None

    found = eventually(active, within=60)
    assert found["LastUpdateStatus"] == "Successful"
    assert "StateReason" not in found
    client.delete_function(FunctionName=name)


def test_an_update_is_in_progress_in_the_answer_and_then_successful(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context):\n    return 0\n"})
    before = client.get_function_configuration(FunctionName=name)
    for change in (
        lambda: client.update_function_code(FunctionName=name, ZipFile=version(7)),
        lambda: client.update_function_configuration(FunctionName=name, Timeout=20),
    ):
        assert change()["LastUpdateStatus"] == "InProgress"
        eventually(
            lambda: client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful",
            within=60,
        )
    after = client.get_function_configuration(FunctionName=name)
    assert after["Timeout"] == 20
    assert after["CodeSha256"] != before["CodeSha256"]
    assert after["RevisionId"] != before["RevisionId"]
    assert functions.invoke(name).payload == 7


def test_the_first_look_after_a_change_finds_it_done(
    functions: Functions, aws: Aws, pytestconfig: Any
) -> None:
    """No promise of AWS, but what deployment tools that look once and then sleep live on."""
    if pytestconfig.getoption("--aws") == "real":
        pytest.skip("Lambda takes its time")
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context):\n    return 0\n"})
    for number in range(1, 4):
        client.update_function_code(FunctionName=name, ZipFile=version(number))
        assert client.get_function(FunctionName=name)["Configuration"]["LastUpdateStatus"] == "Successful"
        client.update_function_configuration(FunctionName=name, Environment={"Variables": {"A": str(number)}})
        assert client.get_function(FunctionName=name)["Configuration"]["LastUpdateStatus"] == "Successful"
        assert functions.invoke(name).payload == number


def test_what_runs_when_the_code_is_replaced_runs_to_its_end(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda", config=Config(retries={"max_attempts": 0}))
    name = functions.make("""
    import time

    def handler(event, context):
        if event != "probe":
            time.sleep(3)
        return "old"
    """)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(functions.invoke, name)

        def under_way() -> bool:
            """The only share of concurrency is taken."""
            try:
                client.invoke(FunctionName=name, Payload=b'"probe"')
            except client.exceptions.TooManyRequestsException:
                return True
            return False

        eventually(under_way)
        client.delete_function_concurrency(FunctionName=name)
        client.update_function_code(FunctionName=name, ZipFile=version(2))
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        assert functions.invoke(name).payload == 2
        assert running.result().payload == "old"


def test_the_same_package_may_serve_many_functions_and_outlive_the_first(
    functions: Functions, aws: Aws
) -> None:
    client = aws.client("lambda")
    source = {"index.py": "import helper\n\ndef handler(event, context):\n    return helper.VALUE\n"}
    package = source | {"helper.py": "VALUE = 'shared'\n"}
    first, second = functions.make(package), functions.make(package)
    assert functions.invoke(first).payload == "shared"
    client.delete_function(FunctionName=first)
    functions.made.remove(first)
    assert functions.invoke(second).payload == "shared"
    client.update_function_configuration(FunctionName=second, MemorySize=256)
    client.get_waiter("function_updated_v2").wait(FunctionName=second, WaiterConfig={"Delay": 1})
    assert functions.invoke(second).payload == "shared"


def test_the_package_can_be_fetched_from_its_location(functions: Functions, aws: Aws) -> None:
    name = functions.make({"index.py": "def handler(event, context): ...\n", "data/rows.csv": "a,b\n"})
    code = aws.client("lambda").get_function(FunctionName=name)["Code"]
    with (
        urllib.request.urlopen(code["Location"]) as answer,
        zipfile.ZipFile(io.BytesIO(answer.read())) as archive,
    ):
        assert sorted(archive.namelist()) == ["data/rows.csv", "index.py"]


def test_a_package_from_s3_is_taken_as_it_was(
    functions: Functions, aws: Aws, role: str, unique: Callable[[str], str]
) -> None:
    s3, client = aws.client("s3"), aws.client("lambda")
    bucket = unique("code")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="function.zip", Body=version(5))
    name = unique("f")
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={"S3Bucket": bucket, "S3Key": "function.zip"},
    )
    functions.made.append(name)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    s3.delete_object(Bucket=bucket, Key="function.zip")
    assert functions.invoke(name).payload == 5
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="missing.zip")
    assert "S3 Error Code: NoSuchKey" in caught.value.response["Error"]["Message"]
    assert client.get_function(FunctionName=name)["Configuration"]["LastUpdateStatus"] == "Successful"
    s3.delete_bucket(Bucket=bucket)


def test_a_package_that_is_no_zip_is_refused(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context):\n    return 1\n"})
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.update_function_code(FunctionName=name, ZipFile=b"no zip at all")
    assert caught.value.response["Error"]["Message"].startswith("Could not unzip uploaded file.")
    assert functions.invoke(name).payload == 1


def test_updates_of_one_function_at_once_leave_it_whole(functions: Functions, aws: Aws) -> None:
    """Some may be refused (an update is in progress); the last that was accepted is what runs."""
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context):\n    return 0\n"})

    def update(number: int) -> bool:
        try:
            client.update_function_code(FunctionName=name, ZipFile=version(number))
        except client.exceptions.ResourceConflictException as error:
            return "An update is in progress for resource: " not in error.response["Error"]["Message"]
        return True

    with ThreadPoolExecutor(6) as pool:
        accepted = list(pool.map(update, range(1, 7)))
    assert any(accepted)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    assert accepted[functions.invoke(name).payload - 1]


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html")
def test_a_change_based_on_another_revision_is_refused(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make({"index.py": "def handler(event, context):\n    return 0\n"})
    for call, options in (
        (client.update_function_code, {"ZipFile": version(1)}),
        (client.update_function_configuration, {"Timeout": 5}),
    ):
        with pytest.raises(client.exceptions.PreconditionFailedException):
            call(FunctionName=name, RevisionId="00000000-0000-0000-0000-000000000000", **options)
    assert functions.invoke(name).payload == 0


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html")
def test_a_package_of_megabytes_arrives_as_it_was_sent_however_often(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    padding = bytes(range(256)) * 8 * 1024
    random = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(2**16))
    files: dict[str, str | bytes] = {
        "index.py": """
        import hashlib, pathlib

        def handler(event, context):
            here = pathlib.Path(__file__).parent
            return [hashlib.sha256((here / name).read_bytes()).hexdigest() for name in ("padding", "random")]
        """,
        "padding": padding,
        "random": random,
    }
    digests = [hashlib.sha256(content).hexdigest() for content in (padding, random)]
    first, second = functions.make(files), functions.make(files)
    assert functions.invoke(first).payload == functions.invoke(second).payload == digests
    client.update_function_code(FunctionName=first, ZipFile=version(4))
    client.get_waiter("function_updated_v2").wait(FunctionName=first, WaiterConfig={"Delay": 1})
    assert functions.invoke(first).payload == 4
    shas = {
        client.update_function_code(FunctionName=name, ZipFile=zipped(files))["CodeSha256"]
        for name in (first, second)
    }
    assert len(shas) == 1
    for name in (first, second):
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        assert functions.invoke(name).payload == digests
