"""Invoke: types, answers, qualifiers and errors."""

import base64
import json
from collections.abc import Callable

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.waiting import eventually

pytestmark = pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html")

ECHO = """
def handler(event, context):
    print("called")
    return {"event": event, "arn": context.invoked_function_arn, "version": context.function_version,
            "id": context.aws_request_id}
"""


def refused(call: Callable[..., object], **options: object) -> tuple[str, int, str]:
    """The code, HTTP status and message with which `call` is refused."""
    with pytest.raises(ClientError) as caught:
        call(**options)
    response = caught.value.response
    return (
        response["Error"]["Code"],
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Message"],
    )


def test_a_synchronous_call_returns_the_functions_answer_and_the_version_that_ran(
    functions: Functions,
) -> None:
    name = functions.make(ECHO)
    answer = functions.aws.client("lambda").invoke(FunctionName=name, Payload=b'{"a": [1, null]}')
    body = json.loads(answer["Payload"].read())
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert "LogResult" not in answer
    assert body["event"] == {"a": [1, None]}
    assert body["arn"] == functions.arn(name)
    assert body["id"] == answer["ResponseMetadata"]["RequestId"]


def test_a_call_without_payload_passes_an_empty_object(functions: Functions) -> None:
    name = functions.make(ECHO)
    answer = functions.aws.client("lambda").invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read())["event"] == {}


@pytest.mark.parametrize("payload", [b"null", b"7", b'"text"', b"[]", b'{"\xc3\xa9": "\xe2\x82\xac"}'])
def test_any_json_value_is_an_event(functions: Functions, payload: bytes) -> None:
    name = functions.make(ECHO)
    answer = functions.aws.client("lambda").invoke(FunctionName=name, Payload=payload)
    assert json.loads(answer["Payload"].read())["event"] == json.loads(payload)


def test_a_dry_run_runs_nothing(functions: Functions) -> None:
    name = functions.make(ECHO)
    answer = functions.aws.client("lambda").invoke(FunctionName=name, InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert answer["Payload"].read() == b""
    assert "ExecutedVersion" not in answer


def test_an_event_is_accepted_and_runs_later_under_the_same_request_id(functions: Functions) -> None:
    name = functions.make(ECHO)
    answer = functions.aws.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    logs = functions.aws.client("logs")
    request_id = answer["ResponseMetadata"]["RequestId"]

    def started() -> bool:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False
        return any(event["message"].startswith(f"START RequestId: {request_id}") for event in found)

    eventually(started)


def test_the_log_tail_is_the_last_four_kilobytes(functions: Functions) -> None:
    name = functions.make("""
    def handler(event, context):
        for number in range(1000):
            print("line", number)
    """)
    answer = functions.aws.client("lambda").invoke(FunctionName=name, LogType="Tail")
    tail = base64.b64decode(answer["LogResult"])
    assert len(tail) == 4096
    assert b"line 999\n" in tail
    assert b"line 10\n" not in tail
    assert b"REPORT RequestId: " in tail


def test_an_exception_of_the_function_is_an_answer_marked_unhandled(functions: Functions) -> None:
    name = functions.make("""
    def handler(event, context):
        raise ValueError("no such flight")
    """)
    answer = functions.invoke(name)
    assert answer.status == 200
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "ValueError"
    assert answer.payload["errorMessage"] == "no such flight"


def test_a_function_is_named_by_name_partial_arn_or_arn(functions: Functions) -> None:
    name = functions.make(ECHO)
    arn = functions.arn(name)
    account = arn.split(":")[4]
    for spelling in (name, f"{account}:function:{name}", arn, f"{arn}:$LATEST"):
        assert functions.invoke(spelling).status == 200
    assert functions.invoke(f"{arn}:$LATEST").payload["arn"] == f"{arn}:$LATEST"
    assert functions.invoke(name, Qualifier="$LATEST").payload["arn"] == f"{arn}:$LATEST"


def test_a_missing_function_version_or_alias_is_not_found(functions: Functions, aws: Aws) -> None:
    name = functions.make(ECHO)
    arn = functions.arn(name)
    client = aws.client("lambda")
    missing = f"{arn}-missing"
    assert refused(client.invoke, FunctionName=f"{name}-missing") == (
        "ResourceNotFoundException",
        404,
        f"Function not found: {missing}:$LATEST",
    )
    for qualifier in ("7", "blue"):
        assert refused(client.invoke, FunctionName=name, Qualifier=qualifier) == (
            "ResourceNotFoundException",
            404,
            f"Function not found: {arn}:{qualifier}",
        )


def test_two_different_qualifiers_are_refused(functions: Functions, aws: Aws) -> None:
    name = functions.make(ECHO)
    code, status, message = refused(
        aws.client("lambda").invoke, FunctionName=f"{name}:1", Qualifier="$LATEST"
    )
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert "does not match the specified qualifier" in message


@pytest.mark.parametrize("payload", [b"{", b"'text'", b"nonsense", b'{"a": NaN}', b"\xff\xfe"])
def test_a_payload_that_is_no_json_is_refused(functions: Functions, aws: Aws, payload: bytes) -> None:
    name = functions.make(ECHO)
    for kind in ("RequestResponse", "Event"):
        code, status, message = refused(
            aws.client("lambda").invoke, FunctionName=name, Payload=payload, InvocationType=kind
        )
        assert (code, status) == ("InvalidRequestContentException", 400)
        assert message.startswith(
            "Could not parse request body into json: Could not parse payload into json:"
        )


def test_the_client_context_reaches_the_function(functions: Functions, aws: Aws) -> None:
    name = functions.make("""
    def handler(event, context):
        return {"custom": context.client_context.custom, "env": context.client_context.env}
    """)
    context = base64.b64encode(
        json.dumps({"custom": {"tenant": "a"}, "env": {"locale": "de"}}).encode()
    ).decode()
    assert functions.invoke(name, ClientContext=context).payload == {
        "custom": {"tenant": "a"},
        "env": {"locale": "de"},
    }


def test_a_client_context_that_is_no_json_is_refused(functions: Functions, aws: Aws) -> None:
    name = functions.make(ECHO)
    client = aws.client("lambda", config=Config(retries={"max_attempts": 0}))
    code, status, _ = refused(client.invoke, FunctionName=name, ClientContext="bm9uc2Vuc2U=")
    assert (code, status) == ("InvalidRequestContentException", 400)


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_InvokeAsync.html")
def test_the_older_asynchronous_operation_still_works(functions: Functions, aws: Aws) -> None:
    name = functions.make(ECHO)
    assert aws.client("lambda").invoke_async(FunctionName=name, InvokeArgs=b'{"a": 1}')["Status"] == 202
    logs = aws.client("logs")

    def called() -> bool:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return False
        return any(event["message"] == "called\n" for event in found)

    eventually(called)


@pytest.mark.source("https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html")
def test_a_response_can_be_read_as_a_stream(functions: Functions, aws: Aws) -> None:
    client = aws.client("lambda")
    name = functions.make("def handler(event, context):\n    return 'x' * event\n")
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=b"200000", LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    *chunks, end = list(answer["EventStream"])
    assert b"".join(chunk["PayloadChunk"]["Payload"] for chunk in chunks) == b'"' + b"x" * 200_000 + b'"'
    assert b"REPORT RequestId" in base64.b64decode(end["InvokeComplete"]["LogResult"])
    assert "ErrorCode" not in end["InvokeComplete"]


@pytest.mark.source(
    "https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStreamCompleteEvent.html"
)
def test_the_end_of_a_streamed_response_says_what_went_wrong(functions: Functions, aws: Aws) -> None:
    name = functions.make("def handler(event, context):\n    raise ValueError('no')\n")
    answer = aws.client("lambda").invoke_with_response_stream(FunctionName=name)
    end = list(answer["EventStream"])[-1]["InvokeComplete"]
    assert end["ErrorCode"] == "Unhandled"
    assert json.loads(end["ErrorDetails"])["errorType"] == "ValueError"
