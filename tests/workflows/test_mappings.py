"""No mapping that would lose records gets past the check."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.deploy_project import Project
from tests.packaging.conftest import ROOT
from tests.workflows.mappings import STREAM
from workflows.mappings import Mapping, MappingError, problems, read

QUEUE = Mapping(function="consume", source="queue/orders", batch_size=10, report_batch_item_failures=True)


def policy(*actions: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "arn"}]}


KINESIS = (
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)
SQS = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
FUNCTIONS = {"consume": policy(*KINESIS, *SQS, "sqs:SendMessage")}


def test_what_the_project_declares_has_no_problems() -> None:
    functions = Project(ROOT).config["stages"]["local"]["lambda_functions"]
    for mapping in read(ROOT / "workflows" / "mappings.toml"):
        assert problems(mapping, dict.fromkeys(functions, policy())) == []


@pytest.mark.parametrize("mapping", [STREAM, QUEUE])
def test_a_safe_mapping_has_no_problems(mapping: Mapping) -> None:
    assert problems(mapping, FUNCTIONS) == []


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        (replace(STREAM, report_batch_item_failures=False), "needs report_batch_item_failures = true"),
        (replace(QUEUE, report_batch_item_failures=False), "needs report_batch_item_failures = true"),
        (replace(STREAM, bisect_batch_on_function_error=False), "one bad record stops its shard"),
        (replace(STREAM, maximum_retry_attempts=None), "needs maximum_retry_attempts"),
        (replace(STREAM, maximum_retry_attempts=-1), "needs maximum_retry_attempts"),
        (replace(STREAM, maximum_record_age_seconds=None), "needs maximum_record_age_seconds"),
        (replace(STREAM, on_failure=None), "what failed is lost"),
        (replace(STREAM, starting_position=None), "needs a starting_position"),
        (replace(STREAM, function="nobody"), "there is no such function; there are consume"),
        (replace(STREAM, source="topic/events"), "a source is stream/<name>, table/<name>, queue/<name>"),
        (replace(QUEUE, maximum_retry_attempts=3), "cannot have maximum_retry_attempts"),
    ],
)
def test_an_unsafe_mapping_is_told(mapping: Mapping, says: str) -> None:
    assert any(says in problem for problem in problems(mapping, FUNCTIONS))


def test_the_functions_role_must_be_allowed_to_read_and_to_report() -> None:
    found = problems(STREAM, {"consume": policy("kinesis:GetRecords")})
    assert [problem.rsplit(" needs ", 1)[1] for problem in found] == [
        "kinesis:DescribeStreamSummary in the policy of consume.",
        "kinesis:GetShardIterator in the policy of consume.",
        "kinesis:ListShards in the policy of consume.",
        "sqs:SendMessage in the policy of consume.",
    ]


def test_the_example_in_the_file_is_a_safe_mapping(tmp_path: Path) -> None:
    lines = (ROOT / "workflows" / "mappings.toml").read_text().splitlines()
    example = [line.removeprefix("# ") for line in lines[lines.index("# [[mapping]]") :]]
    path = tmp_path / "mappings.toml"
    path.write_text("\n".join(example))
    (mapping,) = read(path)
    assert problems(mapping, {"check-events": FUNCTIONS["consume"]}) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[mapping]]\nfunction = 'f'\nsource = 'queue/q'\n", "missing 2 required"),
        ("[[mapping]]\nfunction = 'f'\nbatchsize = 1\n", "there is no setting batchsize"),
        ("[[mapping]", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mappings.toml"
    path.write_text(text)
    with pytest.raises(MappingError, match=says):
        read(path)
