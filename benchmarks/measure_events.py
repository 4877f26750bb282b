"""Event sources and data services: what a batch of records, a delivery and an item cost."""

import io
import json
import time
import uuid
import zipfile
from statistics import median
from typing import Any

import boto3

SENDS = 41
DELIVERIES = 21
ITEMS = 201
CODE = """
import os
import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=str(len(event["Records"])))
"""


def run(endpoint_url: str) -> list[dict[str, Any]]:
    """Rows for the report, measured with boto3 against `endpoint_url`; what is made is removed."""
    session = boto3.Session("000000000000", "test", region_name="us-east-1")
    aws = {
        name: session.client(name, endpoint_url=endpoint_url)
        for name in ("kinesis", "dynamodb", "lambda", "sqs", "iam")
    }
    name = f"bench-{uuid.uuid4().hex[:8]}"
    aws["kinesis"].create_stream(StreamName=name, ShardCount=1)
    try:
        rows = [*_streams(aws, name), *_deliveries(aws, name), *_items(aws, name)]
    finally:
        aws["kinesis"].delete_stream(StreamName=name, EnforceConsumerDeletion=True)
    return [{"target": None, "stretch": None, **row} for row in rows]


def _streams(aws: dict[str, Any], name: str) -> list[dict[str, Any]]:
    records = [{"Data": b"x" * 200, "PartitionKey": f"key-{n}"} for n in range(500)]
    put = _median(SENDS, lambda _: aws["kinesis"].put_records(StreamName=name, Records=records))
    token = aws["kinesis"].get_shard_iterator(
        StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]

    def read(_: int) -> None:
        found = aws["kinesis"].get_records(ShardIterator=token, Limit=5000)["Records"]
        assert len(found) == 5000, len(found)

    return [
        {"name": "Kinesis PutRecords of 500 x 200 B", "ours": put, "unit": "ms"},
        {"name": "Kinesis GetRecords of 5000", "ours": _median(5, read), "unit": "ms"},
    ]


def _deliveries(aws: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """From put_record until what the function sent has been received, idle in between."""
    url = aws["sqs"].create_queue(QueueName=name)["QueueUrl"]
    role = aws["iam"].create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", CODE)
    aws["lambda"].create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": {"QUEUE": url}},
    )
    aws["lambda"].get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    arn = aws["kinesis"].describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    source = aws["sqs"].create_queue(QueueName=f"{name}-source")["QueueUrl"]
    source_arn = aws["sqs"].get_queue_attributes(QueueUrl=source, AttributeNames=["QueueArn"])
    mappings = [
        aws["lambda"].create_event_source_mapping(
            EventSourceArn=each, FunctionName=name, **({"StartingPosition": "LATEST"} if each == arn else {})
        )["UUID"]
        for each in (arn, source_arn["Attributes"]["QueueArn"])
    ]

    def receive() -> None:
        while not (found := aws["sqs"].receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])):
            continue
        aws["sqs"].delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])

    def through_stream(_: int) -> None:
        aws["kinesis"].put_record(StreamName=name, Data=b"x", PartitionKey="k")
        receive()

    def through_queue(_: int) -> None:
        aws["sqs"].send_message(QueueUrl=source, MessageBody="x")
        receive()

    try:
        through_stream(0)
        return [
            {
                "name": "Kinesis record to function and back",
                "ours": _median(DELIVERIES, through_stream),
                "unit": "ms",
            },
            {
                "name": "SQS message to function and back",
                "ours": _median(DELIVERIES, through_queue),
                "unit": "ms",
            },
        ]
    finally:
        for mapping in mappings:
            aws["lambda"].delete_event_source_mapping(UUID=mapping)
        aws["lambda"].delete_function(FunctionName=name)
        for queue in (url, source):
            aws["sqs"].delete_queue(QueueUrl=queue)
        aws["iam"].delete_role(RoleName=name)


def _items(aws: dict[str, Any], name: str) -> list[dict[str, Any]]:
    db = aws["dynamodb"]
    db.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    features = {f"f{n}": {"N": str(n / 7)} for n in range(20)}
    many = [{"PutRequest": {"Item": {"id": {"S": str(n)}, **features}}} for n in range(25)]
    try:
        return [
            {
                "name": "DynamoDB PutItem p50",
                "ours": _median(
                    ITEMS, lambda n: db.put_item(TableName=name, Item={"id": {"S": str(n)}, **features})
                ),
                "unit": "ms",
            },
            {
                "name": "DynamoDB GetItem p50",
                "ours": _median(ITEMS, lambda n: db.get_item(TableName=name, Key={"id": {"S": str(n)}})),
                "unit": "ms",
            },
            {
                "name": "DynamoDB conditional UpdateItem p50",
                "ours": _median(
                    ITEMS,
                    lambda n: db.update_item(
                        TableName=name,
                        Key={"id": {"S": str(n)}},
                        UpdateExpression="SET f1 = :v",
                        ConditionExpression="attribute_exists(id)",
                        ExpressionAttributeValues={":v": {"N": "1"}},
                    ),
                ),
                "unit": "ms",
            },
            {
                "name": "DynamoDB BatchWriteItem of 25",
                "ours": _median(SENDS, lambda _: db.batch_write_item(RequestItems={name: many})),
                "unit": "ms",
            },
        ]
    finally:
        db.delete_table(TableName=name)


def _median(rounds: int, call: Any) -> float:
    """Median milliseconds of `call(number)`."""
    taken = []
    for number in range(rounds):
        begun = time.perf_counter()
        call(number)
        taken.append((time.perf_counter() - begun) * 1000)
    return median(taken)


if __name__ == "__main__":
    import os

    print(json.dumps(run(os.environ["AWS_ENDPOINT_URL"]), indent=2))
