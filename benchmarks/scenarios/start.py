"""From the command to the first answers."""

import time
from http.client import HTTPConnection

from benchmarks.clients import Cloud, WrongAnswerError
from benchmarks.scenarios.plan import Measured, Plan

SIGNED_FOR_STS = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"
)


def ready(cloud: Cloud, plan: Plan) -> Measured:
    return {"ready": [cloud.running.ready_seconds]}


def first_api_answer(cloud: Cloud, plan: Plan) -> Measured:
    """sts:GetCallerIdentity by plain HTTP: making a boto3 client would take longer than the answer."""
    connection = HTTPConnection("127.0.0.1", cloud.running.port, timeout=30)
    try:
        connection.request(
            "POST",
            "/",
            "Action=GetCallerIdentity&Version=2011-06-15",
            {"Authorization": SIGNED_FOR_STS, "Content-Type": "application/x-www-form-urlencoded"},
        )
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200 or b"<Account>" not in body:
        raise WrongAnswerError(f"GetCallerIdentity: {answer.status} {body!r:.200}")
    return {"first_api_answer": [time.perf_counter() - cloud.running.started]}
