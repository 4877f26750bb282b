"""What the tests of workflows share: `workflows.run(states, input)` makes a state machine, runs it and
waits."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from mdlc_emulator.pytest_plugin import Aws

from tests.waiting import eventually

LANGUAGE = "https://states-language.net/spec.html"
GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
REFERENCE = "https://docs.aws.amazon.com/step-functions/latest/apireference"


@dataclass
class Outcome:
    """How an execution ended; `output` is decoded JSON."""

    arn: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    client: Any = field(repr=False, default=None)

    def history(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        for page in self.client.get_paginator("get_execution_history").paginate(executionArn=self.arn):
            events += page["events"]
        return events

    def event_types(self) -> list[str]:
        return [event["type"] for event in self.history()]


def program(states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A definition that starts at the first of `states` and ends with the last; each goes on to the next
    unless it says otherwise."""
    names = list(states)
    linked = {}
    for index, (name, state) in enumerate(states.items()):
        linked[name] = dict(state)
        final = state["Type"] in ("Succeed", "Fail", "Choice")
        if not final and not {"Next", "End"} & set(state):
            linked[name] |= {"End": True} if index == len(names) - 1 else {"Next": names[index + 1]}
    return {"StartAt": names[0], "States": linked, **fields}


@dataclass
class Workflows:
    """State machines of one test, removed after it."""

    aws: Aws
    role: str
    made: list[str] = field(default_factory=list)

    @property
    def client(self) -> Any:
        # StartSyncExecution goes to a host of its own, "sync-...", unless told not to.
        return self.aws.client(
            "stepfunctions", config=Config(inject_host_prefix=self.aws.endpoint_url is None)
        )

    def make(self, definition: dict[str, Any], **settings: Any) -> str:
        arn = self.client.create_state_machine(
            name=f"conformance-{uuid.uuid4().hex[:12]}",
            definition=json.dumps(definition),
            roleArn=self.role,
            **settings,
        )["stateMachineArn"]
        self.made.append(arn)
        return str(arn)

    def start(self, machine: str, data: Any = None, **settings: Any) -> str:
        request = {"stateMachineArn": machine, **settings}
        if data is not None:
            request["input"] = json.dumps(data, ensure_ascii=False)
        return str(self.client.start_execution(**request)["executionArn"])

    def outcome(self, execution: str, within: float = 20.0) -> Outcome:
        client = self.client

        def ended() -> Any:
            described = client.describe_execution(executionArn=execution)
            return described if described["status"] != "RUNNING" else None

        described = eventually(ended, within=within, every=0.01)
        output = described.get("output")
        return Outcome(
            execution,
            described["status"],
            json.loads(output) if output is not None else None,
            described.get("error"),
            described.get("cause"),
            client,
        )

    def run(self, states: dict[str, Any], data: Any = None, **fields: Any) -> Outcome:
        """The outcome of a program of `states` (a definition, if it has "StartAt") started with `data`."""
        definition = states if "StartAt" in states else program(states, **fields)
        return self.outcome(self.start(self.make(definition), {} if data is None else data))

    def value(self, state: dict[str, Any], data: Any = None, **fields: Any) -> Any:
        """The output of one state that succeeds."""
        outcome = self.run({"Only": state}, data, **fields)
        assert outcome.status == "SUCCEEDED", outcome
        return outcome.output


@pytest.fixture
def workflows(aws: Aws, role: str) -> Iterator[Workflows]:
    made = Workflows(aws, role)
    yield made
    for arn in made.made:
        try:
            made.client.delete_state_machine(stateMachineArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] != "StateMachineDeleting":
                raise
