"""What identity policies say of an action on a resource. Standard library only.

Deny beats Allow, and what nothing allows is denied:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

type Statement = Mapping[str, Any]


class Decision(enum.StrEnum):
    """As IAM's simulator words them."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicitDeny"
    EXPLICIT_DENY = "explicitDeny"


def statements_of(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document: a list, or a single one."""
    found = document.get("Statement", [])
    return list(found) if isinstance(found, list) else [found]


def evaluate(statements: Iterable[Statement], action: str, resource: str) -> Decision:
    """The decision of all `statements` together on `action` ("s3:GetObject") and `resource` (an ARN or "*").

    A statement with conditions decides nothing here, since a simulation without context entries lacks the
    keys that its conditions ask for: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    decision = Decision.IMPLICIT_DENY
    for statement in statements:
        if statement.get("Condition") or not _applies(statement, action, resource):
            continue
        if statement.get("Effect") == "Deny":
            return Decision.EXPLICIT_DENY
        decision = Decision.ALLOWED
    return decision


def _applies(statement: Statement, action: str, resource: str) -> bool:
    # Actions are compared without regard to case, resources with it.
    return _covers(statement, "Action", action.lower(), fold=True) and _covers(
        statement, "Resource", resource
    )


def _covers(statement: Statement, member: str, value: str, *, fold: bool = False) -> bool:
    if (patterns := statement.get(member)) is not None:
        return _matches(patterns, value, fold)
    if (patterns := statement.get(f"Not{member}")) is not None:
        return not _matches(patterns, value, fold)
    return False


def _matches(patterns: str | Iterable[str], value: str, fold: bool) -> bool:
    each = [patterns] if isinstance(patterns, str) else patterns
    return any(_compiled(one.lower() if fold else one).fullmatch(value) is not None for one in each)


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """`*` stands for any characters, `?` for one; brackets mean nothing, unlike in a shell."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(letter) or re.escape(letter) for letter in pattern), re.DOTALL)
