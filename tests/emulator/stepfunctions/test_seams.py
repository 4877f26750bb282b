"""What other parts of the engine plug into: the registry of integrations, patches, sessions, locations."""

import types
from dataclasses import dataclass, field
from typing import Any

import pytest
from mdlc_emulator.engine.stepfunctions import integrations
from mdlc_emulator.engine.stepfunctions.locations import expressions
from mdlc_emulator.engine.stepfunctions.patching import (
    MissingTargetError,
    replace,
    replace_everywhere,
    replaces,
)
from mdlc_emulator.engine.stepfunctions.sessions import RENEW_AFTER, Sessions


def test_a_registered_service_is_known() -> None:
    integrations.register("conformance-of-the-registry", object)
    assert "conformance-of-the-registry" in integrations.registered()
    assert integrations.POLL_SECONDS <= 0.05


def test_a_patch_fails_loudly_when_its_target_is_gone() -> None:
    owner = types.SimpleNamespace(there=1)
    assert replace(owner, "there", 2) == 1
    assert owner.there == 2
    with pytest.raises(MissingTargetError, match="gone"):
        replace(owner, "gone", 1)
    with pytest.raises(MissingTargetError):
        replaces(owner, "gone")(lambda: None)
    with pytest.raises(MissingTargetError):
        replace_everywhere("no.such.package", object(), object())


class Factory:
    def __init__(self, role: str, region: str) -> None:
        self.role, self.region = role, region
        self.made: list[str] = []

    def get_client(self, service: str) -> tuple[str, str, str]:
        self.made.append(service)
        return self.role, self.region, service


@dataclass
class Clock:
    now: float = 0.0


def test_one_session_per_role_and_region_renewed_in_time() -> None:
    clock = Clock()
    factories: list[Factory] = []

    def assume(role_arn: str, region: str) -> Factory:
        factories.append(Factory(role_arn, region))
        return factories[-1]

    sessions = Sessions(assume, lambda: clock.now)
    for _ in range(3):
        assert sessions.client("lambda", "us-east-1", "role/a") == ("role/a", "us-east-1", "lambda")
        assert sessions.client("sqs", "us-east-1", "role/a") == ("role/a", "us-east-1", "sqs")
    assert len(factories) == 1
    assert factories[0].made == ["lambda", "sqs"]
    assert sessions.client("lambda", "us-east-1", "role/b")[0] == "role/b"
    assert sessions.client("lambda", "eu-west-1", "role/a")[1] == "eu-west-1"
    assert len(factories) == 3
    clock.now = RENEW_AFTER + 1
    sessions.client("lambda", "us-east-1", "role/a")
    assert len(factories) == 4


@dataclass
class Expression:
    text: str


@dataclass
class State:
    parts: list[Any]


@dataclass
class Output:
    value: Any


@dataclass
class Binding:
    identifier: str
    value: Any


@dataclass
class TemplateValueArray:
    values: list[Any]


@dataclass
class ConditionStringJSONata:
    expression: Expression


@dataclass
class ChoicesDecl:
    rules: list[Any] = field(default_factory=list)


def test_locations_of_expressions() -> None:
    state = State(
        [
            Output(Binding("total", TemplateValueArray([Expression("a"), Binding("x", Expression("b"))]))),
            ChoicesDecl([ConditionStringJSONata(Expression("c")), ConditionStringJSONata(Expression("d"))]),
            State([Output(Expression("of a nested state"))]),
        ]
    )
    found = {expression.text: location for location, expression in expressions(state, Expression, State)}
    assert found == {
        "a": "Output/total[0]",
        "b": "Output/total[1]/x",
        "c": "Choices[0]/Condition",
        "d": "Choices[1]/Condition",
    }
