"""Map states: inline, and distributed with S3 readers, batches, tolerated failures and written results."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.conformance.conftest import Functions
from tests.conformance.stepfunctions.conftest import Workflows, program
from tests.waiting import eventually

pytestmark = pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html"
)

INLINE = "https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html"
PASS = program({"P": {"Type": "Pass"}})
ABOVE_FOUR_FAILS = program(
    {
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.i", "NumericGreaterThan": 4, "Next": "F"}],
            "Default": "S",
        },
        "F": {"Type": "Fail", "Error": "TooLarge", "Cause": "above four"},
        "S": {"Type": "Succeed"},
    }
)


@pytest.mark.source(INLINE)
def test_inline_map_keeps_the_order(workflows: Workflows) -> None:
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 3,
        "ItemProcessor": PASS,
        "ResultPath": "$.out",
    }
    data = {"items": list(range(50))}
    assert workflows.value(state, data) == {**data, "out": list(range(50))}


@pytest.mark.source(INLINE)
def test_item_selector_sees_item_index_and_input(workflows: Workflows) -> None:
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {"index.$": "$$.Map.Item.Index", "value.$": "$$.Map.Item.Value", "rest.$": "$.rest"},
        "ItemProcessor": PASS,
    }
    assert workflows.value(state, {"items": ["a", "b"], "rest": 9}) == [
        {"index": 0, "value": "a", "rest": 9},
        {"index": 1, "value": "b", "rest": 9},
    ]


@pytest.mark.source(INLINE)
def test_many_iterations_one_after_the_other(workflows: Workflows) -> None:
    state = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": program({"W": {"Type": "Wait", "Seconds": 0}, "P": {"Type": "Pass"}}),
    }
    assert workflows.value(state, list(range(1200))) == list(range(1200))


@pytest.mark.source(INLINE)
def test_iterations_wait_side_by_side(workflows: Workflows) -> None:
    state = {"Type": "Map", "ItemProcessor": program({"W": {"Type": "Wait", "Seconds": 1}})}
    outcome = workflows.run({"M": state}, list(range(20)))
    events = outcome.history()
    assert (events[-1]["timestamp"] - events[0]["timestamp"]).total_seconds() < 5


@pytest.mark.source(INLINE)
def test_empty_items(workflows: Workflows) -> None:
    assert workflows.value({"Type": "Map", "ItemProcessor": PASS}, []) == []


@pytest.mark.source(INLINE)
def test_a_failed_iteration_fails_the_state(workflows: Workflows) -> None:
    outcome = workflows.run({"M": {"Type": "Map", "ItemProcessor": ABOVE_FOUR_FAILS}}, [{"i": 1}, {"i": 9}])
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", "TooLarge", "above four")
    types = outcome.event_types()
    assert {"MapIterationStarted", "MapIterationFailed", "MapStateFailed"} <= set(types)


@pytest.mark.source(INLINE)
def test_history_of_an_inline_map(workflows: Workflows) -> None:
    outcome = workflows.run({"M": {"Type": "Map", "ItemProcessor": PASS, "MaxConcurrency": 1}}, ["a"])
    events = outcome.history()
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapIterationStarted",
        "PassStateEntered",
        "PassStateExited",
        "MapIterationSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    assert events[2]["mapStateStartedEventDetails"] == {"length": 1}
    assert events[3]["mapIterationStartedEventDetails"] == {"name": "M", "index": 0}


def distributed(processor: dict[str, Any] = PASS, **fields: Any) -> dict[str, Any]:
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    return {"Type": "Map", "ItemProcessor": {**processor, **config}, **fields}


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> Iterator[str]:
    s3 = aws.client("s3")
    name = f"conformance-map-items-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    objects = {
        "in/items.json": json.dumps([{"i": i} for i in range(7)]),
        "in/items.jsonl": "\n".join(json.dumps({"i": i}) for i in range(5)) + "\n",
        "in/items.csv": 'a,b\n1,x\n2,"y,z"\n3\n',
        "in/items.psv": "1|x\n2|y\n",
        "in/nested.json": json.dumps({"data": {"items": [1, 2]}}),
        "in/object.json": json.dumps("text"),
        "in/inventory.csv": '"b","k 1"\n"b","k2"\n',
        "in/manifest.json": json.dumps(
            {
                "sourceBucket": "b",
                "destinationBucket": f"arn:aws:s3:::{name}",
                "fileFormat": "CSV",
                "fileSchema": "Bucket, Key",
                "files": [{"key": "in/inventory.csv"}],
            }
        ),
    }
    for key, content in objects.items():
        s3.put_object(Bucket=name, Key=key, Body=content.encode())
    yield name
    for entry in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)


def reader(bucket: str, key: str, **config: Any) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": config,
        "Parameters": {"Bucket": bucket, "Key": f"in/{key}"},
    }


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html")
@pytest.mark.parametrize(
    ("key", "config", "expected"),
    [
        ("items.json", {"InputType": "JSON"}, [{"i": i} for i in range(7)]),
        ("items.json", {"InputType": "JSON", "MaxItems": 2}, [{"i": 0}, {"i": 1}]),
        ("nested.json", {"InputType": "JSON", "ItemsPointer": "/data/items"}, [1, 2]),
        ("items.jsonl", {"InputType": "JSONL"}, [{"i": i} for i in range(5)]),
        (
            "items.csv",
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            [{"a": "1", "b": "x"}, {"a": "2", "b": "y,z"}, {"a": "3", "b": ""}],
        ),
        (
            "items.psv",
            {
                "InputType": "CSV",
                "CSVHeaderLocation": "GIVEN",
                "CSVHeaders": ["n", "s"],
                "CSVDelimiter": "PIPE",
            },
            [{"n": "1", "s": "x"}, {"n": "2", "s": "y"}],
        ),
        (
            "manifest.json",
            {"InputType": "MANIFEST"},
            [{"Bucket": "b", "Key": "k 1"}, {"Bucket": "b", "Key": "k2"}],
        ),
    ],
)
def test_items_from_s3(workflows: Workflows, bucket: str, key: str, config: Any, expected: Any) -> None:
    assert workflows.value(distributed(ItemReader=reader(bucket, key, **config))) == expected


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html")
@pytest.mark.parametrize(
    ("config", "error", "cause"),
    [
        ({"CSVHeaders": ["a", "a"]}, "States.ItemReaderFailed", "CSV headers cannot contain duplicates."),
        ({"MaxItemsPath": "$.below"}, "States.ItemReaderFailed", "field MaxItems must be positive"),
        (
            {"MaxItemsPath": "$.fraction"},
            "States.Runtime",
            "An error occurred while executing the state 'M' (entered at the event id #2). "
            'The MaxItemsPath field refers to value "1.5" which is not a valid integer: $.fraction',
        ),
    ],
)
def test_reader_settings_that_fail(
    workflows: Workflows, bucket: str, config: dict[str, Any], error: str, cause: str
) -> None:
    location = "GIVEN" if "CSVHeaders" in config else "FIRST_ROW"
    items = reader(bucket, "items.csv", InputType="CSV", CSVHeaderLocation=location, **config)
    outcome = workflows.run({"M": distributed(ItemReader=items)}, {"below": -1, "fraction": 1.5})
    assert (outcome.status, outcome.error, outcome.cause) == ("FAILED", error, cause)


def test_no_limit_is_written_as_zero(workflows: Workflows, bucket: str) -> None:
    items = reader(bucket, "items.jsonl", InputType="JSONL", MaxItemsPath="$.none")
    assert len(workflows.value(distributed(ItemReader=items), {"none": 0})) == 5


@pytest.mark.source(INLINE)
@pytest.mark.parametrize(("value", "shown"), [(1, "1"), ("text", '"text"'), ({"a": None}, '{"a":null}')])
def test_items_that_are_no_array(workflows: Workflows, value: Any, shown: str) -> None:
    outcome = workflows.run(
        {"M": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": PASS}}, {"items": value}
    )
    assert (outcome.status, outcome.error) == ("FAILED", "States.QueryEvaluationError")
    assert outcome.cause == (
        "An error occurred while executing the state 'M' (entered at the event id #2). "
        f"Map state input must be an array but was: {shown}"
    )
    assert outcome.event_types()[-3:] == ["EvaluationFailed", "MapStateFailed", "ExecutionFailed"]


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html")
def test_items_from_a_listing(workflows: Workflows, bucket: str) -> None:
    listing = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": bucket, "Prefix": "in/items"},
    }
    got = workflows.value(distributed(ItemReader=listing))
    assert [item["Key"] for item in got] == [
        "in/items.csv",
        "in/items.json",
        "in/items.jsonl",
        "in/items.psv",
    ]
    assert {"Etag", "LastModified", "Size", "StorageClass"} <= set(got[0])


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html")
@pytest.mark.parametrize("key", ["missing.json", "object.json", "items.csv"])
def test_items_that_cannot_be_read(workflows: Workflows, bucket: str, key: str) -> None:
    outcome = workflows.run({"M": distributed(ItemReader=reader(bucket, key, InputType="JSON"))})
    assert (outcome.status, outcome.error) == ("FAILED", "States.ItemReaderFailed")
    assert outcome.event_types()[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html")
def test_batches(workflows: Workflows) -> None:
    state = distributed(
        ItemBatcher={"MaxItemsPerBatch": 3, "BatchInput": {"k.$": "$.k"}}, ItemsPath="$.items"
    )
    assert workflows.value(state, {"items": [1, 2, 3, 4], "k": 9}) == [
        {"BatchInput": {"k": 9}, "Items": [1, 2, 3]},
        {"BatchInput": {"k": 9}, "Items": [4]},
    ]


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html")
def test_batches_by_size_and_in_jsonata(workflows: Workflows) -> None:
    by_size = distributed(ItemBatcher={"MaxInputBytesPerBatch": 20})
    groups = [batch["Items"] for batch in workflows.value(by_size, ["aaaaaa", "bbbbbb", "cc"])]
    assert [item for group in groups for item in group] == ["aaaaaa", "bbbbbb", "cc"]
    assert len(groups) >= 2
    state = distributed(
        Items="{% $states.input.l %}",
        ItemBatcher={
            "MaxItemsPerBatch": "{% $states.input.n %}",
            "BatchInput": {"twice": "{% $states.input.n * 2 %}"},
        },
    )
    got = workflows.value(state, {"l": [1, 2, 3], "n": 2}, QueryLanguage="JSONata")
    assert got == [{"BatchInput": {"twice": 4}, "Items": [1, 2]}, {"BatchInput": {"twice": 4}, "Items": [3]}]


@pytest.mark.source(
    "https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html#maprun-fail-threshold"
)
@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 20}, "FAILED"),
        ({"ToleratedFailurePercentage": 30}, "SUCCEEDED"),
    ],
)
def test_tolerated_failures(workflows: Workflows, tolerance: dict[str, Any], status: str) -> None:
    items = [{"i": i} for i in range(7)]
    outcome = workflows.run({"M": distributed(ABOVE_FOUR_FAILS, **tolerance)}, items)
    assert outcome.status == status, outcome
    if status == "FAILED":
        assert outcome.error == "States.ExceedToleratedFailureThreshold"
        assert outcome.cause == "The specified tolerated failure threshold was exceeded"


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html")
def test_results_written_to_s3(workflows: Workflows, bucket: str, aws: Aws) -> None:
    s3 = aws.client("s3")
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "out"}}
    state = distributed(ABOVE_FOUR_FAILS, ToleratedFailurePercentage=50, ResultWriter=writer)
    outcome = workflows.run({"M": state}, [{"i": i} for i in range(7)])
    details = outcome.output["ResultWriterDetails"]
    run = outcome.output["MapRunArn"]
    assert details == {"Bucket": bucket, "Key": f"out/{run.rpartition(':')[2]}/manifest.json"}
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=details["Key"])["Body"].read())
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == (bucket, run)

    def content(status: str) -> Any:
        (file,) = manifest["ResultFiles"][status]
        body = s3.get_object(Bucket=bucket, Key=file["Key"])["Body"].read()
        assert len(body) == file["Size"]
        return json.loads(body)

    assert [json.loads(child["Output"]) for child in content("SUCCEEDED")] == [{"i": i} for i in range(5)]
    assert [(child["Error"], child["Cause"], child["Status"]) for child in content("FAILED")] == [
        ("TooLarge", "above four", "FAILED")
    ] * 2
    client = workflows.client
    described = client.describe_map_run(mapRunArn=run)
    assert described["status"] == "SUCCEEDED"
    assert {
        key: described["itemCounts"][key] for key in ("total", "succeeded", "failed", "resultsWritten")
    } == {
        "total": 7,
        "succeeded": 5,
        "failed": 2,
        "resultsWritten": 7,
    }
    assert [item["mapRunArn"] for item in client.list_map_runs(executionArn=outcome.arn)["mapRuns"]] == [run]
    children = client.list_executions(mapRunArn=run, statusFilter="FAILED")["executions"]
    assert len(children) == 2
    assert children[0]["mapRunArn"] == run


def test_a_child_is_an_execution_of_its_own(workflows: Workflows) -> None:
    processor = program(
        {"P": {"Type": "Pass", "Parameters": {"id.$": "$$.Execution.Id", "in.$": "$$.Execution.Input"}}}
    )
    machine = workflows.make(program({"M": distributed(processor, Label="Kids")}))
    execution = workflows.start(machine, ["a", "b"])
    got = workflows.outcome(execution).output
    name = machine.rpartition(":")[2]
    assert [child["in"] for child in got] == ["a", "b"]
    assert all(f":execution:{name}/Kids:" in child["id"] for child in got)
    assert len({child["id"] for child in got} - {execution}) == 2


def test_what_is_not_run_is_refused(workflows: Workflows, bucket: str) -> None:
    with pytest.raises(ClientError) as refused:
        workflows.make(
            program({"M": distributed(ItemReader=reader(bucket, "x.parquet", InputType="PARQUET"))})
        )
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
    assert "PARQUET" in refused.value.response["Error"]["Message"]


@pytest.mark.source("https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html")
def test_a_stop_ends_the_children(
    workflows: Workflows, functions: Functions, unique: Callable[[str], str]
) -> None:
    state = distributed(program({"W": {"Type": "Wait", "Seconds": 60}}))
    execution = workflows.start(workflows.make(program({"M": state})), [1, 2])
    client = workflows.client

    def run() -> Any:
        runs = client.list_map_runs(executionArn=execution)["mapRuns"]
        return (
            runs
            and len(client.list_executions(mapRunArn=runs[0]["mapRunArn"])["executions"]) == 2
            and runs[0]
        )

    found = eventually(run)
    client.stop_execution(executionArn=execution)
    assert workflows.outcome(execution).status == "ABORTED"
    eventually(lambda: client.describe_map_run(mapRunArn=found["mapRunArn"])["status"] == "ABORTED")
    assert client.describe_map_run(mapRunArn=found["mapRunArn"])["executionCounts"]["aborted"] == 2
