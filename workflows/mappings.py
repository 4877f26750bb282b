"""Which function consumes which stream or queue (mappings.toml), and the check that no record can get
lost."""

import tomllib
from collections.abc import Mapping as Dict
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

Kind = Literal["stream", "table", "queue"]
_KINDS: tuple[Kind, ...] = ("stream", "table", "queue")
_STARTS = ("TRIM_HORIZON", "LATEST")

# What Lambda's poller needs of the function's role, by kind of source.
_READ: dict[Kind, tuple[str, ...]] = {
    "stream": (
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ),
    "table": (
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    ),
    "queue": ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
}


class MappingError(Exception):
    """mappings.toml declares a mapping that would lose records or cannot work. The message says what to
    write."""


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """One event source mapping. `source` and `on_failure` are `<kind>/<name>` without the stage's prefix;
    retries are counted per batch, ages and windows are seconds."""

    function: str
    source: str
    batch_size: int
    report_batch_item_failures: bool
    maximum_batching_window_seconds: int = 0
    starting_position: str | None = None
    parallelization_factor: int = 1
    bisect_batch_on_function_error: bool = False
    maximum_retry_attempts: int | None = None
    maximum_record_age_seconds: int | None = None
    on_failure: str | None = None

    @property
    def kind(self) -> Kind:
        return next(kind for kind in _KINDS if self.source.startswith(f"{kind}/"))

    @property
    def source_name(self) -> str:
        return self.source.partition("/")[2]


def read(path: Path) -> list[Mapping]:
    """The declared mappings. Raises MappingError for settings that do not exist or have the wrong type."""
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8")).get("mapping", [])
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{path.name} is not valid TOML: {error}.") from error
    known = {field.name for field in fields(Mapping)}
    mappings = []
    for number, settings in enumerate(declared, 1):
        where = f"{path.name}, mapping {number}"
        unknown = settings.keys() - known
        if unknown:
            raise MappingError(f"{where}: there is no setting {', '.join(sorted(unknown))}.")
        try:
            mappings.append(Mapping(**settings))
        except TypeError as error:
            raise MappingError(f"{where}: {str(error).removeprefix('Mapping.__init__() ')}.") from error
    return mappings


def problems(mapping: Mapping, functions: Dict[str, Dict[str, Any]]) -> list[str]:
    """Sentences, empty when all is well. `functions`: the policy document of each function of the stage, by
    name."""
    name = f"The mapping of {mapping.source} to {mapping.function}"
    if not any(mapping.source.startswith(f"{kind}/") for kind in _KINDS):
        return [f"{name}: a source is {', '.join(f'{kind}/<name>' for kind in _KINDS)}."]
    if mapping.function not in functions:
        return [f"{name}: there is no such function; there are {', '.join(sorted(functions))}."]
    found = [] if mapping.report_batch_item_failures else ["needs report_batch_item_failures = true"]
    found += _queue_problems(mapping) if mapping.kind == "queue" else _stream_problems(mapping)
    allowed = _actions(functions[mapping.function])
    needed = [*_READ[mapping.kind], *(["sqs:SendMessage"] if mapping.on_failure else [])]
    found += [
        f"needs {action} in the policy of {mapping.function}" for action in needed if action not in allowed
    ]
    return [f"{name} {problem}." for problem in found]


def _stream_problems(mapping: Mapping) -> list[str]:
    found = []
    if mapping.starting_position not in _STARTS:
        found.append(f"needs a starting_position, one of {', '.join(_STARTS)}")
    if not mapping.bisect_batch_on_function_error:
        found.append("needs bisect_batch_on_function_error = true: else one bad record stops its shard")
    if mapping.maximum_retry_attempts is None or mapping.maximum_retry_attempts < 0:
        found.append("needs maximum_retry_attempts: else a bad record is tried until it expires")
    if mapping.maximum_record_age_seconds is None or mapping.maximum_record_age_seconds < 0:
        found.append("needs maximum_record_age_seconds: else a bad record is tried until it expires")
    if mapping.on_failure is None or not mapping.on_failure.startswith("queue/"):
        found.append("needs on_failure = 'queue/<name>': else what failed is lost")
    return found


def _queue_problems(mapping: Mapping) -> list[str]:
    streams_only = ("starting_position", "maximum_retry_attempts", "maximum_record_age_seconds", "on_failure")
    set_anyway = [name for name in streams_only if getattr(mapping, name) is not None]
    if mapping.bisect_batch_on_function_error:
        set_anyway.append("bisect_batch_on_function_error")
    return [f"cannot have {name}: queues have a redrive policy instead" for name in set_anyway]


def _actions(policy: Dict[str, Any]) -> set[str]:
    actions: set[str] = set()
    for statement in policy.get("Statement", ()):
        if statement.get("Effect") == "Allow":
            named = statement["Action"]
            actions |= {named} if isinstance(named, str) else set(named)
    return actions
