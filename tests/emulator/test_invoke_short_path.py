"""The short way of Invoke answers what the long one through LocalStack's handler chain answers."""

import base64
import http.client
import json
import re
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mdlc_emulator.launcher import Instance
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import zipped
from tests.waiting import eventually

CODE = """
def handler(event, context):
    if event == "fail":
        raise ValueError("asked to")
    print("seen")
    return [event, context.invoked_function_arn, context.aws_request_id,
            context.client_context.custom if context.client_context else None]
"""
ACCOUNT, REGION = "000000000000", "us-east-1"
# What differs between any two calls: times, and how much memory was used.
PASSING = re.compile(
    r"(Duration: )[\d.]+( ms)|(Max Memory Used: )\d+|^INIT_START.*\n|\tInit Duration: [\d.]+ ms", re.M
)


@dataclass(frozen=True)
class Asked:
    """One Invoke as it goes over the wire."""

    name: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@pytest.fixture(scope="module")
def function(emulator: Instance) -> Iterator[str]:
    aws = Aws(emulator.endpoint_url)
    client, name = aws.client("lambda"), f"paths-{uuid.uuid4().hex[:8]}"
    role = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": zipped({"index.py": CODE})},
    )
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier in ("$LATEST", "live"):
        client.invoke(FunctionName=name, Qualifier=qualifier)
    yield name
    client.delete_function(FunctionName=name)


def answer_of(
    emulator: Instance, asked: Asked, request_id: str, *, generic: bool
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, body."""
    address = urlsplit(emulator.endpoint_url)
    assert address.hostname
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    scope = f"{ACCOUNT}/20260101/{REGION}/lambda/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "X-Amz-Request-Id": request_id,
        **asked.headers,
    }
    if generic:
        headers["X-Mdlc-Path"] = "generic"
    target = f"/2015-03-31/functions/{quote(asked.name, safe='')}/invocations{asked.query}"
    connection.request("POST", target, body=asked.body, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    found = {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    found.pop("date")
    if "x-amz-log-result" in found:
        tail = base64.b64decode(found["x-amz-log-result"]).decode()
        found["x-amz-log-result"] = PASSING.sub("", tail)
    return answer.status, found, body


def names(function: str) -> st.SearchStrategy[str]:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    other_region = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{function}"
    other_account = f"arn:aws:lambda:{REGION}:111111111111:function:{function}"
    return st.sampled_from(
        [
            function,
            f"{function}:live",
            f"{function}:$LATEST",
            f"{function}:none",
            arn,
            f"{arn}:1",
            f"{ACCOUNT}:function:{function}",
            f"{function}-missing",
            "not a name!",
            "x" * 200,
            other_region,
            other_account,
        ]
    )


QUERIES = st.sampled_from(
    [
        "",
        "?Qualifier=live",
        "?Qualifier=%24LATEST",
        "?Qualifier=7",
        "?Qualifier=",
        "?Qualifier=a%20b",
        "?Other=1",
    ]
)
KINDS = st.sampled_from(
    [{}, *({"X-Amz-Invocation-Type": kind} for kind in ("RequestResponse", "DryRun", "Event"))]
)
TAILS = st.sampled_from([{}, {"X-Amz-Log-Type": "Tail"}, {"X-Amz-Log-Type": "None"}])
CONTEXTS = st.sampled_from(
    [
        {},
        {"X-Amz-Client-Context": base64.b64encode(b'{"custom": {"a": "b"}}').decode()},
        {"X-Amz-Client-Context": "nonsense"},
    ]
)
ORIGINS = st.sampled_from([{}, {}, {"Origin": "http://localhost"}, {"Content-Encoding": "identity"}])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())
BODIES = JSON | st.sampled_from([b"", b"{", b'"fail"', b"'x'", b"\xff", b"nan", b"[" * 50_000])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_both_ways_answer_alike(emulator: Instance, function: str, data: st.DataObject) -> None:
    headers: dict[str, str] = {}
    for part in (KINDS, TAILS, CONTEXTS, ORIGINS):
        headers |= data.draw(part)
    asked = Asked(data.draw(names(function)), data.draw(QUERIES), headers, data.draw(BODIES))
    request_id = str(uuid.uuid4())
    short = answer_of(emulator, asked, request_id, generic=False)
    long = answer_of(emulator, asked, request_id, generic=True)
    assert short == long


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_both_ways_refuse_what_is_too_large_alike(
    emulator: Instance, function: str, generic: bool, kind: str
) -> None:
    limit = {"RequestResponse": 6 * 1024 * 1024, "Event": 1024 * 1024}[kind]
    asked = Asked(function, headers={"X-Amz-Invocation-Type": kind}, body=b'"' + b"x" * limit + b'"')
    status, headers, body = answer_of(emulator, asked, "1", generic=generic)
    assert status == 413
    assert headers["x-amzn-errortype"] == "RequestTooLargeException"
    assert "is too large for the" in json.loads(body)["message"]


def test_a_short_call_is_counted_like_a_long_one(emulator: Instance, function: str) -> None:
    def counted() -> Counter[tuple[str, ...]]:
        with urllib.request.urlopen(f"{emulator.endpoint_url}/_mdlc/fidelity") as answer:
            entries = json.load(answer)["entries"]
        lines: Counter[tuple[str, ...]] = Counter()
        for entry in entries:
            if (entry["service"], entry["operation"]) == ("lambda", "Invoke"):
                who = json.dumps(entry["principal"], sort_keys=True)
                lines[entry["fidelity"], entry["resource"], who, entry["region"]] += entry["count"]
        return lines

    def counted_once(before: Counter[tuple[str, ...]]) -> Counter[tuple[str, ...]] | None:
        """What has been counted since; the short way counts when it has answered."""
        since = counted() - before
        return since if since.total() == 1 else None

    for asked in (Asked(function), Asked(f"{function}:live"), Asked(f"{function}-missing")):
        lines = []
        for generic in (False, True):
            before = counted()
            answer_of(emulator, asked, str(uuid.uuid4()), generic=generic)
            lines.append(eventually(lambda seen=before: counted_once(seen)))  # type: ignore[misc]
        assert lines[0] == lines[1]
