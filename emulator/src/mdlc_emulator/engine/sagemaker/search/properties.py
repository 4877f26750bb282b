"""Names of properties ("InputDataConfig.DataSource.S3DataSource.S3Uri", "Tags.team", "Metrics.accuracy") and
the values that a record has for them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Filter.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from mdlc_emulator.engine.sagemaker.kernel.errors import invalid

type Record = Mapping[str, Any]
type Values = Callable[[Any], Iterator[Any]]

_NUMBERS = frozenset({"integer", "long", "float", "double"})
_STATISTICS = ("Max", "Min", "Last", "Count", "Avg", "StdDev")


@dataclass(frozen=True, slots=True)
class Property:
    """`kind` is text, number, time, boolean, hyperparameter (text that may be a number) or structure;
    `values` yields what a record has for it, nothing where it has none."""

    name: str
    kind: str
    values: Values


def resolve(shape: Shape, name: str) -> Property:
    """The property of records of `shape`; names of members in any case. ValidationException when there is no
    such property."""
    head, _, rest = name.partition(".")
    match head.casefold():
        case "tags" if rest:
            return Property(name, "text", _tags(rest))
        case "metrics" if rest:
            return _metric(shape, name, rest)
    return _step(shape, name, name)


def _step(shape: Shape, path: str, name: str) -> Property:
    """Along `path` from `shape`."""
    if isinstance(shape, ListShape):
        inner = _step(shape.member, path, name)
        return Property(name, inner.kind, lambda value: _each(value, inner.values))
    if not path:
        return Property(name, _kind(shape), _present)
    if isinstance(shape, MapShape):
        return _entry(shape, path, name)
    if isinstance(shape, StructureShape):
        head, _, rest = path.partition(".")
        member = next((each for each in shape.members if each.casefold() == head.casefold()), None)
        if member is not None:
            inner = _step(shape.members[member], rest, name)
            kind = "hyperparameter" if member == "HyperParameters" and inner.kind == "text" else inner.kind
            return Property(name, kind, lambda value: _member(value, member, inner.values))
    raise invalid(f"Unknown property name: {name}.")


def _entry(shape: MapShape, path: str, name: str) -> Property:
    """The entry of a map whose keys may have dots, or a member of that entry."""
    key, _, last = path.rpartition(".")
    if isinstance(shape.value, StructureShape):
        members = {each.casefold(): each for each in shape.value.members}
        if key and last.casefold() in members:
            inner = _step(shape.value.members[members[last.casefold()]], "", name)
            member = members[last.casefold()]
            return Property(
                name,
                inner.kind,
                lambda value: _member(value, key, lambda entry: _member(entry, member, inner.values)),
            )
    inner = _step(shape.value, "", name)
    return Property(name, inner.kind, lambda value: _member(value, path, inner.values))


def _kind(shape: Shape) -> str:
    if shape.type_name in _NUMBERS:
        return "number"
    return {"string": "text", "timestamp": "time", "boolean": "boolean"}.get(shape.type_name, "structure")


def _present(value: Any) -> Iterator[Any]:
    if value is not None:
        yield value


def _each(value: Any, inner: Values) -> Iterator[Any]:
    for item in value or ():
        yield from inner(item)


def _member(value: Any, member: str, inner: Values) -> Iterator[Any]:
    if isinstance(value, Mapping) and value.get(member) is not None:
        yield from inner(value[member])


def _tags(key: str) -> Values:
    def values(record: Any) -> Iterator[Any]:
        for tag in record.get("Tags", ()):
            if tag["Key"] == key:
                yield tag["Value"]

    return values


def _metric(shape: Shape, name: str, rest: str) -> Property:
    """Training jobs have final values, trial components statistics: Metrics.loss.Min; without one, Last."""
    members = shape.members if isinstance(shape, StructureShape) else {}
    if "FinalMetricDataList" in members:
        return Property(name, "number", _listed("FinalMetricDataList", rest, "Value"))
    if "Metrics" not in members:
        raise invalid(f"Unknown property name: {name}.")
    metric, _, last = rest.rpartition(".")
    statistic = next((each for each in _STATISTICS if each.casefold() == last.casefold()), None)
    if metric and statistic is not None:
        return Property(name, "number", _listed("Metrics", metric, statistic))
    return Property(name, "number", _listed("Metrics", rest, "Last"))


def _listed(member: str, metric: str, value: str) -> Values:
    def values(record: Any) -> Iterator[Any]:
        for each in record.get(member, ()):
            if each["MetricName"] == metric and value in each:
                yield each[value]

    return values


def names(shape: Shape, prefix: str = "", depth: int = 3) -> Iterator[str]:
    """Names of properties of `shape` that hold a value, for suggestions."""
    if isinstance(shape, ListShape):
        yield from names(shape.member, prefix, depth)
    elif isinstance(shape, StructureShape):
        for member, inner in shape.members.items():
            if member != "Tags" and depth > 0:
                yield from names(inner, f"{prefix}.{member}" if prefix else member, depth - 1)
    elif not isinstance(shape, MapShape):
        yield prefix


def seconds(value: Any) -> float:
    """A timestamp of a record."""
    return value.timestamp() if isinstance(value, datetime) else float(value)
