"""API Gateway: GET of a REST API's route that a Lambda function answers."""

import json
import time
from http.client import HTTPConnection

from benchmarks.clients import Cloud, WrongAnswerError, sent, unique
from benchmarks.samples import percentile
from benchmarks.scenarios.plan import Measured, Plan

WARM_UP = 20
ROUTE = """\
import json
def handler(event, context):
    asked = event["queryStringParameters"]["id"]
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"id": asked})}
"""


def _route(cloud: Cloud) -> tuple[str, str]:
    """A deployed API with GET /hello; returns its path on the emulator and its function's name."""
    name = cloud.create(ROUTE)
    function = cloud.await_active(name)
    gateway = cloud.client("apigateway")
    api = gateway.create_rest_api(name=unique("bench"))["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    resource = gateway.create_resource(restApiId=api, parentId=root, pathPart="hello")["id"]
    get = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
    gateway.put_method(**get, authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_integration(**get, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    cloud.client("lambda").add_permission(
        FunctionName=name,
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    gateway.create_deployment(restApiId=api, stageName="bench")
    return f"/_aws/execute-api/{api}/bench/hello", name


def get(cloud: Cloud, plan: Plan) -> Measured:
    """Requests one after the other over one connection; each carries an id that must come back."""
    path, name = _route(cloud)
    connection = HTTPConnection("127.0.0.1", cloud.running.port, timeout=60)
    times = []
    try:
        for _ in range(WARM_UP + plan.requests):
            given = sent()["id"]
            since = time.perf_counter()
            connection.request("GET", f"{path}?id={given}")
            answer = connection.getresponse()
            body = answer.read()
            times.append((time.perf_counter() - since) * 1e3)
            if answer.status != 200 or json.loads(body).get("id") != given:
                raise WrongAnswerError(f"GET /hello: {answer.status} {body!r:.200}")
    finally:
        connection.close()
    cloud.delete(name)
    times = times[WARM_UP:]
    return {"api_get_p50": [percentile(times, 0.5)], "api_get_p99": [percentile(times, 0.99)]}
