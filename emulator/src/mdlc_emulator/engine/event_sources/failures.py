"""What a function's answer says about the records it was given (ReportBatchItemFailures)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def failed_items(answer: Any, known: Collection[str]) -> frozenset[str] | None:
    """The identifiers that failed; None when none did, all of `known` when the answer makes no sense.

    An empty or missing answer or list is success; an empty, missing or unknown identifier fails the whole
    batch. Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if not answer:
        return None
    if not isinstance(answer, dict):
        return frozenset(known)
    failures = answer.get("batchItemFailures")
    if not failures:
        return None
    if not isinstance(failures, list):
        return frozenset(known)
    found: set[str] = set()
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in known:
            return frozenset(known)
        found.add(identifier)
    return frozenset(found)
