"""How failures of a function look to its caller and in its log."""

import re
from typing import Any

import pytest

from tests.conformance.conftest import Functions

EXCEPTIONS = "https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html"
RUNTIME = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"
TROUBLE = "https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html"
CLIENT = "https://github.com/aws/aws-lambda-python-runtime-interface-client"
LIMITS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"

ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def failure(functions: Functions, code: str | dict[str, str | bytes], **settings: Any) -> tuple[Any, str]:
    """Payload and log of a first invocation that must fail as a function error."""
    name = functions.make(code, **settings)
    answer = functions.invoke(name)
    assert answer.status == 200
    assert answer.error == "Unhandled"
    return answer.payload, answer.log


@pytest.mark.source(EXCEPTIONS)
def test_an_exception_is_reported_with_type_message_and_the_functions_own_frames(
    functions: Functions,
) -> None:
    code = 'def deep():\n    raise KeyError("tail")\n\ndef handler(event, context):\n    deep()\n'
    payload, log = failure(functions, code)
    assert payload == {
        "errorMessage": "'tail'",
        "errorType": "KeyError",
        "requestId": payload["requestId"],
        "stackTrace": [
            '  File "/var/task/index.py", line 5, in handler\n    deep()\n',
            '  File "/var/task/index.py", line 2, in deep\n    raise KeyError("tail")\n',
        ],
    }
    assert ID.fullmatch(payload["requestId"])
    assert "[ERROR] KeyError: 'tail'" in log
    assert "Traceback (most recent call last):" in log
    assert "Status:" not in log  # the platform worked


@pytest.mark.source(EXCEPTIONS)
def test_the_environment_stays_warm_after_an_exception(functions: Functions) -> None:
    name = functions.make(
        "calls = []\ndef handler(event, context):\n    calls.append(1)\n    return 1 / event, len(calls)"
    )
    assert functions.invoke(name, 0).error == "Unhandled"
    assert functions.invoke(name, 1).payload == [1.0, 2]


@pytest.mark.source(TROUBLE)
@pytest.mark.parametrize(
    ("files", "handler", "kind", "message"),
    [
        (
            {"index.py": "import nowhere"},
            "index.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'index': No module named 'nowhere'",
        ),
        (
            {"index.py": ""},
            "index.handler",
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'index'",
        ),
        ({"index.py": ""}, "other.handler", "Runtime.ImportModuleError", "Unable to import module 'other': "),
        (
            {"index.py": "def handler(:"},
            "index.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'index'",
        ),
        ({"index.py": ""}, "index", "Runtime.MalformedHandlerName", "Bad handler 'index': "),
        ({"index.py": "raise ValueError('at init')"}, "index.handler", "ValueError", "at init"),
        ({"index.py": "import sys; sys.exit(5)"}, "index.handler", "Runtime.ExitError", "exit status 5"),
    ],
)
def test_a_failed_init_is_the_answer(
    functions: Functions, files: dict[str, str | bytes], handler: str, kind: str, message: str
) -> None:
    payload, log = failure(functions, files, Handler=handler)
    assert payload["errorType"] == kind
    assert message in payload["errorMessage"]
    assert re.search(
        rf"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: {kind}\n", log
    )
    assert re.search(
        rf"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: invoke\tStatus: error\tError Type: {kind}\n", log
    )
    assert f"Status: error\tError Type: {kind}" in log.splitlines()[-1]


@pytest.mark.source(EXCEPTIONS)
def test_a_syntax_error_names_the_line(functions: Functions) -> None:
    payload, _ = failure(functions, "x = 1\ndef handler(:\n")
    assert payload["stackTrace"] == ['  File "/var/task/index.py" Line 2\n    def handler(:\n']


@pytest.mark.source(RUNTIME)
def test_init_is_run_again_by_the_invocation_after_it_failed(functions: Functions) -> None:
    """The first try leaves a file in /tmp, which is not cleared between the two."""
    code = """
    import os
    print("trying")
    if not os.path.exists("/tmp/tried"):
        open("/tmp/tried", "w").close()
        raise RuntimeError("not yet")
    def handler(event, context):
        return "second try"
    """
    answer = functions.invoke(functions.make(code))
    assert answer.payload == "second try"
    assert answer.error is None
    assert answer.log.count("trying") == 2
    assert "Phase: init\tStatus: error\tError Type: RuntimeError" in answer.log


@pytest.mark.source(CLIENT)
@pytest.mark.parametrize(
    "result", ["object()", "{1: {2, 3}}", "b'\\xff'.decode('latin-1') and {'a': lambda: 1}"]
)
def test_what_is_no_json_cannot_be_returned(functions: Functions, result: str) -> None:
    payload, _ = failure(functions, f"def handler(event, context):\n    return {result}\n")
    assert payload["errorType"] == "Runtime.MarshalError"
    assert payload["errorMessage"].startswith("Unable to marshal response: ")
    assert payload["stackTrace"] == []


@pytest.mark.source("https://repost.aws/knowledge-center/lambda-runtime-error")
@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(1)", "Runtime exited with error: exit status 1"),
        ("sys.exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
        ("os.abort()", "Runtime exited with error: signal: aborted"),
        ("ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_a_runtime_that_ends_is_an_exit_error_and_is_started_anew(
    functions: Functions, ending: str, words: str
) -> None:
    name = functions.make(
        f"import ctypes, os, sys\ndef handler(event, context):\n    if event: {ending}\n    return 'well'"
    )
    assert functions.invoke(name, 0).payload == "well"
    answer = functions.invoke(name, 1)
    request_id = answer.payload["errorMessage"].split()[1]
    assert answer.error == "Unhandled"
    assert ID.fullmatch(request_id)
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: {words}",
    }
    assert f"RequestId: {request_id} Error: {words}\nRuntime.ExitError\n" in answer.log
    assert answer.log.splitlines()[-1].endswith("Status: error\tError Type: Runtime.ExitError")
    assert functions.invoke(name, 0).payload == "well"


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html")
def test_a_function_that_takes_too_long_is_ended_and_initialized_again(functions: Functions) -> None:
    code = """
    import time
    print("init")
    def handler(event, context):
        time.sleep(event)
        return "in time"
    """
    name = functions.make(code, Timeout=1)
    answer = functions.invoke(name, 60)
    request_id = answer.payload["errorMessage"].split()[1]
    assert answer.error == "Unhandled"
    assert answer.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 1.00 seconds",
    }
    assert re.search(rf"\n[\d-]+T[\d:.]+Z {request_id} Task timed out after 1\.00 seconds\n\n", answer.log)
    assert answer.log.splitlines()[-1].endswith("Status: timeout")
    again = functions.invoke(name, 0)
    assert again.payload == "in time"
    assert "init\n" in again.log
    assert "Init Duration" not in again.log


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html")
def test_a_function_over_its_memory_is_killed_and_the_report_says_why(functions: Functions) -> None:
    name = functions.make(
        "def handler(event, context):\n    kept = bytearray(event << 20)\n    return len(kept) >> 20"
    )
    assert functions.invoke(name, 20).payload == 20
    answer = functions.invoke(name, 200)
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    report = answer.log.splitlines()[-1]
    assert "Memory Size: 128 MB\tMax Memory Used: 128 MB\t" in report
    assert report.endswith("Status: error\tError Type: Runtime.OutOfMemory")
    assert functions.invoke(name, 20).payload == 20


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html")
def test_the_memory_of_programs_that_a_function_starts_counts(functions: Functions) -> None:
    code = """
    import subprocess, sys
    def handler(event, context):
        program = "import time; kept = bytearray(200 << 20); time.sleep(9)"
        return subprocess.run([sys.executable, "-c", program]).returncode
    """
    answer = functions.invoke(functions.make(code))
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.log.splitlines()[-1].endswith("Error Type: Runtime.OutOfMemory")


@pytest.mark.source(LIMITS)
def test_an_answer_over_6_mb_is_refused(functions: Functions) -> None:
    name = functions.make("def handler(event, context): return 'x' * event", MemorySize=512)
    largest = 6_291_556
    answer = functions.invoke(name, largest - 2)
    assert answer.error is None
    assert len(answer.payload) == largest - 2
    answer = functions.invoke(name, largest - 1)
    assert answer.error == "Unhandled"
    assert answer.payload == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size ({largest + 1} bytes) exceeded maximum allowed payload size "
        f"({largest} bytes).",
    }
    assert functions.invoke(name, 1).payload == "x"


@pytest.mark.long
@pytest.mark.source(RUNTIME)
def test_an_init_of_over_10_seconds_is_cut_off_and_run_again_within_the_timeout(functions: Functions) -> None:
    code = """
    import os, time
    if not os.path.exists("/tmp/tried"):
        open("/tmp/tried", "w").close()
        time.sleep(60)
    def handler(event, context):
        return "second try"
    """
    answer = functions.invoke(functions.make(code))
    assert answer.payload == "second try"
    cut = re.search(r"INIT_REPORT Init Duration: ([\d.]+) ms\tPhase: init\tStatus: timeout", answer.log)
    assert cut
    assert 10_000 <= float(cut[1]) < 11_000
