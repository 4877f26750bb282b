"""The context object, and what reaches a function beside its event."""

import base64
import json

import pytest

from tests.conformance.conftest import Functions

CONTEXT = "https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"
API = "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"


@pytest.mark.source(CONTEXT)
def test_the_context_describes_the_invocation(functions: Functions) -> None:
    code = """
    def handler(event, context):
        return {"name": context.function_name, "version": context.function_version,
                "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
                "id": context.aws_request_id, "group": context.log_group_name,
                "identity": context.identity.cognito_identity_id, "client": context.client_context}
    """
    name = functions.make(code, MemorySize=192)
    answer = functions.aws.client("lambda").invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read()) == {
        "name": name,
        "version": "$LATEST",
        "arn": functions.arn(name),
        "memory": "192",
        "id": answer["ResponseMetadata"]["RequestId"],
        "group": f"/aws/lambda/{name}",
        "identity": None,
        "client": None,
    }


@pytest.mark.source(CONTEXT)
def test_the_remaining_time_counts_down_from_the_timeout(functions: Functions) -> None:
    code = """
    import time
    def handler(event, context):
        first = context.get_remaining_time_in_millis()
        time.sleep(0.2)
        return [first, context.get_remaining_time_in_millis()]
    """
    name = functions.make(code, Timeout=7)
    functions.invoke(name)
    first, second = functions.invoke(name).payload
    assert 6500 <= first <= 7000
    assert 180 <= first - second <= 1500


@pytest.mark.source(CONTEXT)
def test_the_client_context_arrives(functions: Functions) -> None:
    code = """
    def handler(event, context):
        given = context.client_context
        return [given.custom, given.env, given.client.app_title]
    """
    given = {"client": {"app_title": "mdlc"}, "custom": {"k": "ä\n€"}, "env": {"locale": "de"}}
    encoded = base64.b64encode(json.dumps(given, ensure_ascii=False).encode()).decode()
    answer = functions.invoke(functions.make(code), ClientContext=encoded)
    assert answer.payload == [{"k": "ä\n€"}, {"locale": "de"}, "mdlc"]


@pytest.mark.source(API)
def test_every_invocation_has_a_trace_of_its_own(functions: Functions) -> None:
    name = functions.make("import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']")
    first, second = functions.invoke(name).payload, functions.invoke(name).payload
    assert first.startswith("Root=1-")
    assert "Sampled=" in first
    assert first != second
