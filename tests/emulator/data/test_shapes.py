"""Requests against the constraints of botocore's models, and input templates of EventBridge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.aws_error import AwsError
from mdlc_emulator.engine.constraints import compile_checks
from mdlc_emulator.engine.scheduler.input_templates import filled


def check(service: str, operation: str, request: dict[str, Any]) -> str:
    """The message for `request`; empty when it is fine."""
    model = get_session().get_service_model(service).operation_model(operation)
    refused: AwsError | None = None
    try:
        compile_checks(model.input_shape)(request)
    except AwsError as error:
        refused = error
    if refused is None:
        return ""
    assert refused.code == "ValidationException"
    return refused.message


def test_a_request_within_its_constraints_passes() -> None:
    assert check("kinesis", "CreateStream", {"StreamName": "a-b_c.1", "ShardCount": 1}) == ""


@pytest.mark.parametrize(
    ("operation", "request_", "words"),
    [
        ("CreateStream", {"StreamName": "no spaces", "ShardCount": 1}, "at 'streamName' failed"),
        ("CreateStream", {"StreamName": "x" * 129, "ShardCount": 1}, "less than or equal to 128"),
        ("CreateStream", {"StreamName": "s", "ShardCount": 0}, "value greater than or equal to 1"),
        ("CreateStream", {"ShardCount": 1}, "Value null at 'streamName'"),
        ("PutRecords", {"Records": []}, "Value at 'records' failed"),
        (
            "PutRecords",
            {"Records": [{"Data": b"", "PartitionKey": "k"}, {"Data": b"", "PartitionKey": ""}]},
            "at 'records.2.member.partitionKey' failed",
        ),
        (
            "GetShardIterator",
            {"StreamName": "s", "ShardId": "shard-1", "ShardIteratorType": "MIDDLE"},
            "Member must satisfy enum value set: [AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER",
        ),
    ],
)
def test_what_breaks_a_constraint_is_said_as_aws_says_it(
    operation: str, request_: dict[str, Any], words: str
) -> None:
    text = check("kinesis", operation, request_)
    assert text.startswith("1 validation error detected: ")
    assert words in text


def test_all_violations_are_said_together() -> None:
    text = check("kinesis", "CreateStream", {"StreamName": "no spaces", "ShardCount": 0})
    assert text.startswith("2 validation errors detected: ")
    assert text.count(" failed to satisfy constraint: ") == 2


texts = st.text(st.characters(codec="utf-8"), max_size=10)
plain = st.one_of(st.none(), st.booleans(), st.integers(), texts)
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=5)


@given(values)
def test_a_value_in_a_json_template_stays_that_value(value: Any) -> None:
    assert json.loads(filled('{"a": <x>, "b": [<x>]}', {"x": value})) == {"a": value, "b": [value]}


@given(texts.filter(lambda text: "<" not in text))
def test_a_text_inside_a_text_stays_that_text(text: str) -> None:
    assert json.loads(filled('{"a": "before <x> after"}', {"x": text})) == {"a": f"before {text} after"}


@given(st.integers() | st.booleans())
def test_a_number_inside_a_text_is_written_out(value: Any) -> None:
    assert json.loads(filled('"n = <n>"', {"n": value})) == f"n = {json.dumps(value)}"


def test_a_name_without_a_value_becomes_an_empty_text() -> None:
    assert json.loads(filled('{"a": <gone>, "b": "<gone>"}', {})) == {"a": "", "b": ""}
