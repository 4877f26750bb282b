"""The stack on the emulator: made, left alone, changed, mended after a failure, removed."""

from collections.abc import Iterator

import pytest
from mdlc_emulator.pytest_plugin import Aws

from cli.deploy_stack import Stack
from cli.exits import MdlcError

QUEUE = """
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {{QueueName: stack-test, VisibilityTimeout: {seconds}}}
"""
CONDITIONAL = """
Parameters: {Wanted: {Type: String, Default: "false"}}
Conditions: {IsWanted: !Equals [!Ref Wanted, "true"]}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: stack-test}
  Log:
    Type: AWS::Logs::LogGroup
    Condition: IsWanted
    Properties: {LogGroupName: /stack-test}
  Place:
    Type: AWS::SSM::Parameter
    Condition: IsWanted
    Properties: {Name: stack-test, Type: String, Value: !GetAtt Log.Arn}
"""
BROKEN = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: stack-test
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}
      ManagedPolicyArns: ["arn:aws:iam::aws:policy/there-is-no-such-policy"]
"""


def quiet(_: str) -> None:
    """Says nothing."""


@pytest.fixture
def stack(aws: Aws) -> Iterator[Stack]:
    made = Stack(aws.at(account="700000000005").client("cloudformation"), "stack-test")
    yield made
    made.remove(quiet)


def test_it_is_made_once_and_changed_when_the_template_is(stack: Stack) -> None:
    assert stack.status() is None
    assert stack.apply(QUEUE.format(seconds=10), {}, quiet) == "created"
    assert stack.apply(QUEUE.format(seconds=10), {}, quiet) == "unchanged"
    assert stack.apply(QUEUE.format(seconds=20), {}, quiet) == "updated"
    assert stack.remove(quiet)
    assert not stack.remove(quiet)
    assert stack.status() is None


def test_parameters_that_are_not_given_keep_their_value(stack: Stack) -> None:
    template = QUEUE.format(seconds="!Ref Seconds") + (
        "\nParameters: {Seconds: {Type: Number, Default: 10}, Other: {Type: String, Default: a}}"
    )
    stack.apply(template, {}, quiet)
    assert stack.parameters() == {"Seconds": "10", "Other": "a"}
    stack.apply(template, {"Seconds": "20"}, quiet)
    assert stack.apply(template, {}, quiet) == "unchanged"
    assert stack.parameters() == {"Seconds": "20", "Other": "a"}


def test_a_failure_names_its_cause_and_does_not_stand_in_the_way(stack: Stack) -> None:
    with pytest.raises(
        MdlcError, match=r"stack-test is \w+: Role: .*there-is-no-such-policy.* Mend workflows/"
    ):
        stack.apply(BROKEN, {}, quiet)
    assert stack.apply(QUEUE.format(seconds=10), {}, quiet) == "created"


def test_what_the_emulator_cannot_make_fails_only_where_it_is_to_be_made(stack: Stack) -> None:
    """Never reported as made; and no obstacle under a condition that is false."""
    unknown = """
Conditions: {{Wanted: !Equals ["{wanted}", "yes"]}}
Resources:
  Fleet:
    Type: AWS::GameLift::Fleet
    Condition: Wanted
    Properties: {{Name: fleet}}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {{QueueName: stack-test}}
"""
    assert stack.apply(unknown.format(wanted="no"), {}, quiet) == "created"
    with pytest.raises(MdlcError, match=r"Fleet: .*AWS::GameLift::Fleet not supported"):
        stack.apply(unknown.format(wanted="yes"), {}, quiet)


def test_what_a_condition_gives_and_takes_comes_and_goes(stack: Stack, aws: Aws) -> None:
    logs = aws.at(account="700000000005").client("logs")

    def groups() -> list[str]:
        found = logs.describe_log_groups(logGroupNamePrefix="/stack-test")["logGroups"]
        return [group["logGroupName"] for group in found]

    assert stack.apply(CONDITIONAL, {}, quiet) == "created"
    assert groups() == []
    for _ in range(2):
        assert stack.apply(CONDITIONAL, {"Wanted": "true"}, quiet) == "updated"
        assert groups() == ["/stack-test"]
        assert stack.apply(CONDITIONAL, {"Wanted": "false"}, quiet) == "updated"
        assert groups() == []
