"""The table of classes: how it is read, and what it makes of an operation."""

from __future__ import annotations

from typing import Any

import pytest
from mdlc_emulator.engine.fidelity.ledger import Fidelity
from mdlc_emulator.engine.fidelity.resource import resource_of
from mdlc_emulator.engine.fidelity.table import Implementation, read, table

TABLE = read("""
[plain]
[model]
native = "simulated"
reason = "Nothing behind it."
executed = ["Get*"]
[model.simulated]
GetGuess = "A guess."
[model.unsupported]
"Start*" = "Cannot start."
[[plain.when]]
operation = "Send"
member = "Phone"
reason = "No telephone."
[[plain.when]]
operation = "Subscribe"
member = "Protocol"
values = ["sms"]
reason = "No telephone."
[[plain.when]]
operation = "Find"
member = "pattern"
prefixes = ["{"]
reason = "Not this pattern."
[[plain.when]]
operation = "Import"
member = "body"
contains = ["authorizer"]
reason = "Nobody is asked."
""")


@pytest.mark.parametrize(
    ("service", "operation", "implementation", "expected"),
    [
        ("plain", "Put", Implementation.NATIVE, Fidelity.EXECUTED),
        ("plain", "Put", Implementation.MOTO, Fidelity.SIMULATED),
        ("plain", "Put", Implementation.NONE, Fidelity.UNSUPPORTED),
        ("model", "Put", Implementation.NATIVE, Fidelity.SIMULATED),
        ("model", "GetIt", Implementation.MOTO, Fidelity.EXECUTED),
        ("model", "GetGuess", Implementation.NATIVE, Fidelity.SIMULATED),
        ("model", "StartIt", Implementation.NATIVE, Fidelity.UNSUPPORTED),
        ("absent", "Put", Implementation.NATIVE, Fidelity.UNSUPPORTED),
    ],
)
def test_an_operation_is_judged(
    service: str, operation: str, implementation: Implementation, expected: Fidelity
):
    judged = TABLE.judge(service, operation, implementation)
    assert judged.fidelity is expected
    assert bool(judged.reason) is (expected is not Fidelity.EXECUTED)


@pytest.mark.parametrize(
    ("operation", "request_", "simulated"),
    [
        ("Send", {"Phone": "+1"}, True),
        ("Send", {"Topic": "t"}, False),
        ("Subscribe", {"Protocol": "sms"}, True),
        ("Subscribe", {"Protocol": "sqs"}, False),
        ("Find", {"pattern": "{ $.a }"}, True),
        ("Find", {"pattern": "word"}, False),
        ("Import", {"body": b"x-authorizer-y"}, True),
        ("Import", {"body": b"plain"}, False),
    ],
)
def test_a_member_of_the_request_can_make_a_call_simulated(
    operation: str, request_: dict[str, Any], simulated: bool
):
    conditions = TABLE.conditions("plain", operation)
    assert any(condition.holds(request_) for condition in conditions) is simulated


@pytest.mark.parametrize(
    "text",
    [
        '[a]\nnative = "simulated"',
        '[a.simulated]\nPut = " "',
        '[[a.when]]\noperation = "X"\nmember = "y"\nreason = ""',
        "[a]\nmote = 'executed'",
        "[a]\nnative = 'pretended'",
    ],
)
def test_a_table_without_reasons_or_with_unknown_words_is_refused(text: str):
    with pytest.raises(ValueError, match=r"reason|unknown|valid"):
        read(text)


def test_every_exception_of_the_engines_table_has_a_reason():
    for name, classes in table().services.items():
        for pattern, reason in [*classes.simulated.items(), *classes.unsupported.items()]:
            assert len(reason) > 15, (name, pattern)
            assert reason.endswith("."), (name, pattern)


@pytest.mark.parametrize(
    ("service", "request_", "expected"),
    [
        ("s3", {"Bucket": "b", "Key": "k/l"}, "arn:aws:s3:::b/k/l"),
        ("s3", {"Bucket": "b"}, "arn:aws:s3:::b"),
        ("sqs", {"QueueUrl": "http://localhost:4566/000000000000/orders"}, "orders"),
        ("lambda", {"FunctionName": "f", "Payload": "x"}, "f"),
        ("sts", None, ""),
        ("something", {"Limit": 3, "thingArn": "arn:x"}, "arn:x"),
    ],
)
def test_a_request_names_its_resource(service: str, request_: dict[str, object] | None, expected: str):
    assert resource_of(service, request_) == expected
