"""One contract for both kinds of Inspector."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from app.adapters.inspection import AwsInspector, InMemoryInspector, Inspector
from app.resources import Resource, required
from tests.app.conftest import EmulatedClients

ACCOUNT = "700000000003"
NEEDED = required("local")
Make = Callable[[Resource], None]


def make(aws: Aws, resource: Resource) -> Callable[[], object]:
    """Make the resource; what removes it again."""
    if resource.kind == "table":
        client = aws.client("dynamodb")
        client.create_table(
            TableName=resource.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        )
        return lambda: client.delete_table(TableName=resource.name)
    if resource.kind == "stream":
        client = aws.client("kinesis")
        client.create_stream(StreamName=resource.name, ShardCount=1)
        return lambda: client.delete_stream(StreamName=resource.name)
    if resource.kind == "bucket":
        client = aws.client("s3")
        name = f"{resource.name}-{aws.account}-{aws.region}"
        client.create_bucket(Bucket=name)
        return lambda: client.delete_bucket(Bucket=name)
    client = aws.client("sqs")
    url = client.create_queue(QueueName=resource.name)["QueueUrl"]
    return lambda: client.delete_queue(QueueUrl=url)


@pytest.fixture(params=["in memory", "aws"])
def world(request: pytest.FixtureRequest) -> Iterator[tuple[Inspector, Make]]:
    """An inspector and what makes a resource that it sees."""
    if request.param == "in memory":
        fake = InMemoryInspector()
        yield fake, fake.existing.add
        return
    aws = request.getfixturevalue("aws").at(account=ACCOUNT)
    undo: list[Callable[[], object]] = []
    yield AwsInspector(EmulatedClients(aws)), lambda resource: undo.append(make(aws, resource))  # type: ignore[arg-type]
    for step in undo:
        step()


@pytest.mark.parametrize("resource", NEEDED, ids=str)
def test_a_resource_exists_once_it_is_made(world: tuple[Inspector, Make], resource: Resource) -> None:
    inspector, make_it = world
    assert not inspector.exists(resource)
    make_it(resource)
    assert inspector.exists(resource)


def test_no_credentials_are_an_access_error_not_a_missing_resource() -> None:
    """In a process of its own: there must be none in the environment."""
    program = (
        "from app.adapters.aws import Clients\nfrom app.adapters.inspection import AwsInspector\n"
        "from app.resources import AccessError, required\n"
        "try:\n    AwsInspector(Clients()).exists(required('local')[0])\n"
        "except AccessError as error:\n    print(error)"
    )
    environment = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
        "HOME": "/nonexistent",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "Cannot look for the stream mdlc-local-events: Unable to locate credentials" in done.stdout
    assert 'for the emulator by `eval "$(mdlc env)"`.' in done.stdout
