"""The gateway's server as clients find it: connections, bodies of every kind, TLS, origins."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
import urllib3
from mdlc_emulator.launcher import Instance
from mdlc_emulator.pytest_plugin import Aws

HEALTH = "/_localstack/health"


@pytest.fixture
def connection(emulator: Instance) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=20)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    aws.client("s3").create_bucket(Bucket="server-tests")
    return "server-tests"


def raw(emulator: Instance, data: bytes) -> bytes:
    """Everything that comes back for `data`, until the server closes."""
    with socket.create_connection(("127.0.0.1", emulator.port), 20) as opened:
        opened.sendall(data)
        received = b""
        while part := opened.recv(65536):
            received += part
        return received


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection):
    for _ in range(5):
        connection.request("GET", HEALTH)
        sock = connection.sock
        assert connection.getresponse().read()
        assert connection.sock is sock


def test_a_connection_ends_when_the_client_asks(emulator: Instance):
    answer = raw(emulator, f"GET {HEALTH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close\r\n" in answer


def test_one_header_says_whether_the_connection_stays(emulator: Instance, aws: Aws):
    client = aws.client("apigateway")
    api = client.create_rest_api(name="connection")["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    named = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    client.put_method(**named, authorizationType="NONE")
    client.put_integration(**named, type="MOCK")
    client.create_deployment(restApiId=api, stageName="s")
    for asked, answered in (("Close", b"close"), ("close", b"close")):
        lines = f"GET /_aws/execute-api/{api}/s/x HTTP/1.1\r\nHost: localhost\r\nConnection: {asked}\r\n\r\n"
        head = raw(emulator, lines.encode()).partition(b"\r\n\r\n")[0]
        said = [line for line in head.split(b"\r\n") if line.lower().startswith(b"connection:")]
        assert said == [b"Connection: " + answered]


def test_http_1_0_gets_a_whole_answer_and_the_end(emulator: Instance):
    head, _, body = raw(emulator, f"GET {HEALTH} HTTP/1.0\r\n\r\n".encode()).partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert json.loads(body)


def test_what_is_no_http_is_refused_in_words(emulator: Instance):
    assert raw(emulator, b"hello\r\n\r\n").startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_pipelined_requests_are_answered_in_order(emulator: Instance):
    one = f"GET {HEALTH} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = "GET /_mdlc/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw(emulator, (one * 2 + last).encode())
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["port"] == emulator.port


def test_it_listens_on_the_loopback_interface_only(emulator: Instance):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses an interface, sends nothing
            address = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        pytest.skip("this machine has the loopback interface only")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((address, emulator.port), 5)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_tls_is_spoken_on_the_same_port(emulator: Instance):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    pool = urllib3.HTTPSConnectionPool("127.0.0.1", emulator.port, ssl_context=context)
    assert pool.request("GET", HEALTH, timeout=20).status == 200


def test_a_head_has_the_length_and_no_body(aws: Aws, bucket: str, connection: http.client.HTTPConnection):
    aws.client("s3").put_object(Bucket=bucket, Key="head", Body=b"12345")
    connection.request("HEAD", f"/{bucket}/head")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, "5", b"")
    connection.request("GET", f"/{bucket}/head")
    assert connection.getresponse().read() == b"12345"


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1, 12_000_000])
def test_objects_of_every_size_come_back_as_they_went(aws: Aws, bucket: str, size: int):
    client = aws.client("s3")
    body = bytes(range(251)) * (size // 251) + b"z" * (size % 251)
    client.put_object(Bucket=bucket, Key="sized", Body=body)  # boto3 waits for 100 Continue
    assert client.get_object(Bucket=bucket, Key="sized")["Body"].read() == body


def test_a_multipart_upload_of_many_threads(aws: Aws, bucket: str):
    from boto3.s3.transfer import TransferConfig

    client = aws.client("s3")
    body = bytes(range(256)) * 80_000
    config = TransferConfig(multipart_threshold=1024, multipart_chunksize=5 * 1024 * 1024, max_concurrency=4)
    client.upload_fileobj(io.BytesIO(body), bucket, "parts", Config=config)
    found = client.get_object(Bucket=bucket, Key="parts")["Body"].read()
    assert hashlib.sha256(found).digest() == hashlib.sha256(body).digest()


def test_a_chunked_upload(aws: Aws, bucket: str, connection: http.client.HTTPConnection):
    parts = [b"a" * 70_000, b"b", b"c" * 300_000]
    connection.request("PUT", f"/{bucket}/chunked", body=iter(parts), encode_chunked=True)
    assert connection.getresponse().read() == b""
    assert aws.client("s3").get_object(Bucket=bucket, Key="chunked")["Body"].read() == b"".join(parts)


def test_an_upload_that_breaks_off_leaves_no_object(emulator: Instance, aws: Aws, bucket: str):
    head = f"PUT /{bucket}/broken HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port), 20) as opened:
        opened.sendall(head.encode() + b"x" * 100_000)
    client = aws.client("s3")
    with pytest.raises(client.exceptions.ClientError, match="404"):
        client.head_object(Bucket=bucket, Key="broken")


def test_an_answer_can_be_a_part_of_an_object(aws: Aws, bucket: str):
    client = aws.client("s3")
    client.put_object(Bucket=bucket, Key="range", Body=b"0123456789")
    answer = client.get_object(Bucket=bucket, Key="range", Range="bytes=2-4")
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()) == (206, b"234")


def test_many_connections_at_once(emulator: Instance):
    failed: list[object] = []

    def ask() -> None:
        try:
            for _ in range(5):
                opened = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=20)
                opened.request("GET", HEALTH)
                assert opened.getresponse().status == 200
                opened.close()
        except (AssertionError, OSError) as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_a_foreign_page_cannot_drive_the_aws_api(connection: http.client.HTTPConnection):
    connection.request(
        "POST",
        "/",
        body="Action=ListQueues&Version=2012-11-05",
        headers={"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert connection.getresponse().status == 403


def test_the_emulators_own_routes_say_what_there_is(connection: http.client.HTTPConnection):
    connection.request("GET", "/_mdlc/nothing")
    answer = connection.getresponse()
    assert answer.status == 404
    assert "GET status" in json.loads(answer.read())["message"]
