"""Laws of identity policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"""

from __future__ import annotations

import fnmatch
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.iam.evaluation import Decision, evaluate

ACTIONS = ("s3:GetObject", "s3:PutObject", "sagemaker:CreateModel", "iam:PassRole")
RESOURCES = ("arn:aws:s3:::rows/a", "arn:aws:s3:::rows/b/c", "*")

patterns = st.sampled_from(["*", "s3:*", "s3:Get*", "s3:?etObject", "iam:PassRole", "sagemaker:Create*"])
places = st.sampled_from(["*", "arn:aws:s3:::rows/*", "arn:aws:s3:::rows/a", "arn:aws:s3:::*/c"])


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None) -> dict[str, Any]:
    return {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(st.lists(patterns, min_size=1, max_size=2)),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(places),
    }


policies = st.lists(statements(), max_size=5)
actions = st.sampled_from(ACTIONS)
resources = st.sampled_from(RESOURCES)


@given(policies, actions, resources, st.randoms())
def test_the_order_of_statements_says_nothing(
    policy: list[Any], action: str, resource: str, any_: Any
) -> None:
    shuffled = policy[:]
    any_.shuffle(shuffled)
    assert evaluate(policy, action, resource) is evaluate(shuffled, action, resource)


@given(policies, statements(effect="Deny"), actions, resources)
def test_a_deny_more_never_allows_more(policy: list[Any], deny: Any, action: str, resource: str) -> None:
    before, after = evaluate(policy, action, resource), evaluate([*policy, deny], action, resource)
    assert after is before or after is Decision.EXPLICIT_DENY


@given(policies, statements(effect="Allow"), actions, resources)
def test_an_allow_more_never_allows_less(policy: list[Any], allow: Any, action: str, resource: str) -> None:
    before, after = evaluate(policy, action, resource), evaluate([*policy, allow], action, resource)
    assert after is before or (before, after) == (Decision.IMPLICIT_DENY, Decision.ALLOWED)


@given(statements(effect="Allow"), actions, resources)
def test_one_statement_applies_where_its_patterns_match(statement: Any, action: str, resource: str) -> None:
    """The shell's patterns are the same for names without brackets."""

    def covers(member: str, value: str, given: Any) -> bool:
        each = given if isinstance(given, list) else [given]
        return any(fnmatch.fnmatchcase(value, one) for one in each)

    wanted = all(
        covers(name, value.lower() if name == "Action" else value, _lower(name, statement[name]))
        if name in statement
        else not covers(
            name, value.lower() if name == "Action" else value, _lower(name, statement[f"Not{name}"])
        )
        for name, value in (("Action", action), ("Resource", resource))
    )
    assert (evaluate([statement], action, resource) is Decision.ALLOWED) is wanted


def _lower(name: str, given: Any) -> Any:
    if name != "Action":
        return given
    return [one.lower() for one in given]


@given(actions, resources)
def test_conditions_that_cannot_be_known_decide_nothing(action: str, resource: str) -> None:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:x": "true"}}}
    assert evaluate([statement], action, resource) is Decision.IMPLICIT_DENY
