"""What a Map Run leaves behind: one record per child execution, the files and the manifest made of them.
Pure.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from mdlc_emulator.engine.stepfunctions.values import text_of

# Files are split beyond this size.
FILE_BYTES = 5 * 1024 * 1024 * 1024


@dataclass
class Child:
    """One child execution of a Map Run. `status`: SUCCEEDED, FAILED, TIMED_OUT, ABORTED."""

    arn: str
    name: str
    state_machine_arn: str
    input: Any
    item_count: int
    start: datetime.datetime
    status: str = "RUNNING"
    stop: datetime.datetime | None = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    history: list[Any] = field(default_factory=list)


def _moment(date: datetime.datetime | None) -> str | None:
    return None if date is None else f"{date:%Y-%m-%dT%H:%M:%S}.{date.microsecond // 1000:03d}Z"


def described(child: Child) -> dict[str, Any]:
    """As in a result file without transformation."""
    shown: dict[str, Any] = {
        "ExecutionArn": child.arn,
        "Input": text_of(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
    }
    if child.status == "SUCCEEDED":
        shown |= {"Output": text_of(child.output), "OutputDetails": {"Included": True}}
    else:
        shown |= {
            key: value for key, value in (("Error", child.error), ("Cause", child.cause)) if value is not None
        }
    return shown | {
        "RedriveCount": 0,
        "RedriveStatus": "NOT_REDRIVABLE",
        "StartDate": _moment(child.start),
        "StateMachineArn": child.state_machine_arn,
        "Status": child.status,
        "StopDate": _moment(child.stop),
    }


def transformed(children: list[Child], transformation: str) -> list[Any]:
    """`children` as NONE (whole records), COMPACT (outputs) or FLATTEN (outputs, lists among them spread
    out)."""
    if transformation == "NONE":
        return [described(child) for child in children]
    values: list[Any] = []
    for child in children:
        output = child.output
        if child.status != "SUCCEEDED":
            output = {"Error": child.error, "Cause": child.cause}
        if transformation == "FLATTEN" and isinstance(output, list):
            values.extend(output)
        else:
            values.append(output)
    return values


def encoded(values: list[Any], output_type: str) -> bytes:
    """A result file: a JSON array, or one JSON value per line."""
    text = "\n".join(map(text_of, values)) if output_type == "JSONL" else text_of(values)
    return text.encode("utf-8", "surrogatepass")


def files(
    children: list[Child], prefix: str, transformation: str = "NONE", output_type: str = "JSON"
) -> tuple[dict[str, bytes], dict[str, list[dict[str, Any]]]]:
    """(key -> content, the manifest's ResultFiles) of the finished `children`."""
    groups: dict[str, list[Child]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for child in children:
        groups["SUCCEEDED" if child.status == "SUCCEEDED" else "FAILED"].append(child)
    contents: dict[str, bytes] = {}
    listed: dict[str, list[dict[str, Any]]] = {}
    suffix = "jsonl" if output_type == "JSONL" else "json"
    for status, members in groups.items():
        listed[status] = []
        if members:
            key = f"{prefix}{status}_0.{suffix}"
            contents[key] = encoded(transformed(members, transformation), output_type)
            listed[status].append({"Key": key, "Size": len(contents[key])})
    return contents, listed
