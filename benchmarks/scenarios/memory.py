"""What the emulator's processes hold: at rest, and after twelve services did something."""

import time
from typing import Any

from benchmarks.clients import ECHO, Cloud, Echo, WrongAnswerError, sent, unique
from benchmarks.processes import usage
from benchmarks.scenarios.plan import Measured, Plan
from benchmarks.scenarios.workflows import chain, execute

# What start-up leaves to background threads is done by then.
SETTLE = 1.0


def _held(cloud: Cloud, figure: str) -> Measured:
    time.sleep(SETTLE)
    used = usage(cloud.running.processes())
    return {figure: [used.rss], f"{figure}_pss": [used.pss]}


def idle(cloud: Cloud, plan: Plan) -> Measured:
    return _held(cloud, "memory_idle")


def _same(what: str, got: Any, wanted: Any) -> None:
    if got != wanted:
        raise WrongAnswerError(f"{what} gave {got!r:.200} instead of {wanted!r:.200}")


def _storage(cloud: Cloud, name: str) -> None:
    s3, dynamodb, kinesis = (cloud.client(service) for service in ("s3", "dynamodb", "kinesis"))
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a", Body=b"x")
    _same("s3", s3.get_object(Bucket=name, Key="a")["Body"].read(), b"x")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    dynamodb.put_item(TableName=name, Item={"k": {"S": "a"}})
    _same("dynamodb", dynamodb.get_item(TableName=name, Key={"k": {"S": "a"}})["Item"], {"k": {"S": "a"}})
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    shard = kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="k")["ShardId"]
    start = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
    _same("kinesis", [record["Data"] for record in records], [b"x"])


def _messages(cloud: Cloud, name: str) -> None:
    sqs, sns, events = (cloud.client(service) for service in ("sqs", "sns", "events"))
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages", [])
    _same("sqs", [message["Body"] for message in messages], ["x"])
    topic = sns.create_topic(Name=name)["TopicArn"]
    _same("sns", bool(sns.publish(TopicArn=topic, Message="x")["MessageId"]), True)
    events.put_rule(Name=name, EventPattern='{"source": ["bench"]}')
    entry = {"Source": "bench", "DetailType": "x", "Detail": "{}"}
    _same("events", events.put_events(Entries=[entry])["FailedEntryCount"], 0)


def _watching(cloud: Cloud, name: str) -> None:
    logs, cloudwatch = cloud.client("logs"), cloud.client("cloudwatch")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="a")
    line = {"timestamp": int(time.time() * 1000), "message": "x"}
    logs.put_log_events(logGroupName=name, logStreamName="a", logEvents=[line])
    found = logs.get_log_events(logGroupName=name, logStreamName="a", startFromHead=True)["events"]
    _same("logs", [event["message"] for event in found], ["x"])
    cloudwatch.put_metric_data(Namespace=name, MetricData=[{"MetricName": "m", "Value": 1}])
    metrics = cloudwatch.list_metrics(Namespace=name)["Metrics"]
    _same("cloudwatch", [metric["MetricName"] for metric in metrics], ["m"])


def _compute(cloud: Cloud, name: str) -> str:
    function = cloud.create(ECHO)
    cloud.await_active(function)
    event = sent()
    Echo.of(cloud.invoke(function, event), event)
    states = cloud.client("stepfunctions")
    machine = states.create_state_machine(
        name=name, definition=chain(1, {"Type": "Pass"}), roleArn=cloud.role
    )
    _same("stepfunctions", execute(cloud, machine["stateMachineArn"], {"n": 1}, 1)[1], {"n": 1})
    gateway = cloud.client("apigateway")
    api = gateway.create_rest_api(name=name)["id"]
    _same("apigateway", gateway.get_rest_api(restApiId=api)["name"], name)
    return function


def used(cloud: Cloud, plan: Plan) -> Measured:
    """Twelve services store something and give it back: S3, DynamoDB, Kinesis, SQS, SNS, EventBridge, Logs,
    CloudWatch, IAM, Lambda, Step Functions, API Gateway.

    The process of one warm function is counted with the emulator's.
    """
    name = unique("bench")
    _storage(cloud, name)
    _messages(cloud, name)
    _watching(cloud, name)
    function = _compute(cloud, name)
    held = _held(cloud, "memory_12")
    cloud.delete(function)
    return held
