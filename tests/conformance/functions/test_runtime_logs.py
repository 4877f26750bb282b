"""What a function's log holds: its own output, and the lines of the platform."""

import json
import re
from typing import Any

import pytest

from tests.conformance.conftest import Functions
from tests.waiting import eventually

LOGGING = "https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"
ADVANCED = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html"
LIFECYCLE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"

CODE = """
import logging, sys
print("loading")
logging.getLogger().setLevel("INFO")

def handler(event, context):
    print("out")
    print("err", file=sys.stderr)
    logging.info("logged %s", event)
    return "done"
"""


def stored(functions: Functions, name: str, count: int) -> list[str]:
    """The messages in CloudWatch Logs, once there are `count` of them."""

    def messages() -> list[str]:
        client = functions.aws.client("logs")
        try:
            found = client.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except client.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found] if len(found) >= count else []

    return eventually(messages)


@pytest.mark.source(LOGGING)
def test_start_output_end_and_report_of_a_first_invocation(functions: Functions) -> None:
    name = functions.make(CODE)
    answer = functions.invoke(name, 7)
    request_id = re.search(r"START RequestId: (\S+) Version: \$LATEST\n", answer.log)
    assert request_id
    identifier = request_id[1]
    lines = answer.log.splitlines()
    start = lines.index(request_id[0].strip())
    assert lines[start + 1 : start + 3] == ["out", "err"]
    assert re.fullmatch(rf"\[INFO\]\t\d{{4}}-\d\d-\d\dT[\d:.]+Z\t{identifier}\tlogged 7", lines[start + 3])
    assert lines[start + 4] == f"END RequestId: {identifier}"
    assert re.fullmatch(
        rf"REPORT RequestId: {identifier}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t",
        lines[start + 5],
    )


@pytest.mark.source(LOGGING)
def test_output_without_a_line_break_does_not_run_into_the_platforms_lines(functions: Functions) -> None:
    name = functions.make("print('a', end='')\ndef handler(event, context):\n    print('b', end='')\n")
    lines = functions.invoke(name).log.splitlines()
    assert "b" in lines
    assert any(line.startswith("END RequestId: ") for line in lines)


@pytest.mark.source(LIFECYCLE)
def test_init_duration_is_billed_and_reported_once(functions: Functions) -> None:
    name = functions.make(CODE)
    cold, warm = functions.invoke(name).log, functions.invoke(name).log
    figures = re.search(
        r"\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms.*Init Duration: ([\d.]+) ms", cold
    )
    assert figures
    assert (
        float(figures[1]) + float(figures[3])
        <= int(figures[2])
        <= float(figures[1]) + float(figures[3]) + 1.02
    )
    assert "Init Duration" not in warm
    assert "loading" not in warm


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html")
def test_max_memory_used_is_the_peak_not_the_present(functions: Functions) -> None:
    name = functions.make(
        "def handler(event, context):\n    kept = bytearray(event << 20)\n    del kept", MemorySize=256
    )
    small = int(re.findall(r"Max Memory Used: (\d+) MB", functions.invoke(name, 0).log)[0])
    large = int(re.findall(r"Max Memory Used: (\d+) MB", functions.invoke(name, 100).log)[0])
    assert 95 <= large - small <= 120


@pytest.mark.source(LOGGING)
def test_output_of_init_and_invocations_reaches_cloudwatch_logs(functions: Functions) -> None:
    name = functions.make(CODE)
    functions.invoke(name)
    messages = stored(functions, name, 8)
    assert messages[0].startswith("INIT_START Runtime Version: python:3.13.")
    assert "Runtime Version ARN: arn:aws:lambda:" in messages[0]
    assert messages[1] == "loading\n"
    assert messages[2].startswith("START RequestId: ")
    assert messages[-1].startswith("REPORT RequestId: ")


@pytest.mark.source(LOGGING)
def test_output_of_an_init_that_fails_reaches_cloudwatch_logs(functions: Functions) -> None:
    name = functions.make("print('so far')\nimport nowhere\n")
    functions.invoke(name)
    text = "".join(stored(functions, name, 8))
    assert text.count("so far\n") == 2
    assert "[ERROR] Runtime.ImportModuleError: Unable to import module 'index'" in text


@pytest.mark.source(LOGGING)
def test_a_traceback_is_one_log_event(functions: Functions) -> None:
    name = functions.make("def handler(event, context):\n    raise ValueError('once')\n")
    functions.invoke(name)
    [message] = [text for text in stored(functions, name, 4) if "[ERROR]" in text]
    assert message.startswith("[ERROR] ValueError: once\nTraceback (most recent call last):\n")
    assert "raise ValueError('once')" in message


@pytest.mark.source(LOGGING)
def test_what_is_logged_at_once_is_one_log_event_and_what_is_printed_is_one_for_each_line(
    functions: Functions,
) -> None:
    code = """
    import logging
    def handler(event, context):
        print("first\\nsecond")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("caught\\nit")
    """
    name = functions.make(code)
    tail = functions.invoke(name).log
    messages = stored(functions, name, 7)
    assert {"first\n", "second\n"} <= set(messages)
    [logged] = [text for text in messages if text.startswith("[ERROR]\t")]
    assert "\tcaught\nit\nTraceback (most recent call last):\n" in logged
    assert logged.endswith("ZeroDivisionError: division by zero\n")
    assert "\nZeroDivisionError: division by zero\n" in tail


@pytest.mark.source(LOGGING)
def test_output_of_any_bytes_is_kept_as_text(functions: Functions) -> None:
    code = """
    import sys
    def handler(event, context):
        sys.stdout.buffer.write(b"caf\\xc3\\xa9 \\xff\\n")
        sys.stdout.buffer.flush()
        print("x" * 200_000)
    """
    log = functions.invoke(functions.make(code)).log
    name = functions.make(code)
    functions.invoke(name)
    messages = stored(functions, name, 4)
    assert any(text.startswith("café \N{REPLACEMENT CHARACTER}") for text in messages)
    assert sum(text.count("x") for text in messages if set(text.strip()) == {"x"}) == 200_000
    assert len(log.encode()) <= 4096


def objects(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


@pytest.mark.source(ADVANCED)
def test_json_logging_makes_objects_of_logs_and_platform_lines(functions: Functions) -> None:
    code = """
    import logging
    def handler(event, context):
        logging.getLogger().warning("careful", extra={"order": 7})
        raise ValueError("no")
    """
    name = functions.make(code, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"})
    answer = functions.invoke(name)
    found = objects(answer.log)
    kinds = [entry.get("type") for entry in found]
    assert kinds[0] == "platform.initStart"
    assert "platform.start" in kinds
    assert kinds[-1] == "platform.report"
    warning = next(entry for entry in found if entry.get("level") == "WARNING")
    assert (warning["message"], warning["order"]) == ("careful", 7)
    assert warning["requestId"] == answer.payload["requestId"]
    error = next(entry for entry in found if entry.get("log_level") == "ERROR")
    assert error["errorType"] == "ValueError"
    report = found[-1]["record"]
    assert report["metrics"]["memorySizeMB"] == 128
    assert {"durationMs", "billedDurationMs", "maxMemoryUsedMB", "initDurationMs"} <= set(report["metrics"])


@pytest.mark.source(ADVANCED)
def test_log_levels_leave_out_what_is_below_them(functions: Functions) -> None:
    code = """
    import logging
    def handler(event, context):
        logging.getLogger().info("left out")
        logging.getLogger().error("kept")
    """
    levels = {"LogFormat": "JSON", "ApplicationLogLevel": "WARN", "SystemLogLevel": "WARN"}
    found = objects(functions.invoke(functions.make(code, LoggingConfig=levels)).log)
    assert [entry["message"] for entry in found] == ["kept"]
