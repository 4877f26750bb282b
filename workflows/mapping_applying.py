"""Creates, updates and removes event source mappings. Applying twice changes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.applying import Change
from workflows.mappings import Mapping, MappingError

# Only CreateEventSourceMapping takes these; another value means another mapping.
_FIXED = ("StartingPosition", "EventSourceArn")


@dataclass(frozen=True)
class AppliedMapping:
    """A mapping's function and source ARN, and what became of it."""

    function: str
    source: str
    change: Change


class Mappings:
    """The event source mappings of one stage's functions. `prefix` begins all its names, such as
    `mdlc-local`."""

    def __init__(self, client: Callable[[str], Any], prefix: str) -> None:
        """`client` gives the boto3 client of a service."""
        self._client = client
        self._lambda = client("lambda")
        self._prefix = prefix

    def apply(self, mappings: Sequence[Mapping], functions: Iterable[str]) -> list[AppliedMapping]:
        """Make the mappings of `functions` (full names) exactly `mappings`. Raises MappingError."""
        applied = []
        for function in functions:
            wanted = {
                request["EventSourceArn"]: request
                for request in (self._request(m) for m in mappings if self._full(m.function) == function)
            }
            existing = {live["EventSourceArn"]: live for live in self._existing(function)}
            for source, request in wanted.items():
                applied.append(
                    AppliedMapping(function, source, self._apply_one(request, existing.get(source)))
                )
            gone = existing.keys() - wanted.keys()
            applied.extend(self._remove(function, existing[source]) for source in sorted(gone))
        return applied

    def remove_all(self, functions: Iterable[str]) -> list[AppliedMapping]:
        """Remove every mapping of `functions`."""
        return [self._remove(function, live) for function in functions for live in self._existing(function)]

    def _full(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def _existing(self, function: str) -> Iterator[dict[str, Any]]:
        try:
            pages = list(
                self._lambda.get_paginator("list_event_source_mappings").paginate(FunctionName=function)
            )
        except self._lambda.exceptions.ResourceNotFoundException:
            return
        for page in pages:
            yield from (live for live in page["EventSourceMappings"] if live.get("State") != "Deleting")

    def _apply_one(self, request: dict[str, Any], live: dict[str, Any] | None) -> Change:
        if live is None:
            self._lambda.create_event_source_mapping(**request)
            return "created"
        changeable = {name: value for name, value in request.items() if name not in _FIXED}
        if all(live.get(name) == value for name, value in changeable.items() if name != "FunctionName"):
            return "unchanged"
        self._lambda.update_event_source_mapping(UUID=live["UUID"], **changeable)
        return "updated"

    def _remove(self, function: str, live: dict[str, Any]) -> AppliedMapping:
        self._lambda.delete_event_source_mapping(UUID=live["UUID"])
        return AppliedMapping(function, live["EventSourceArn"], "removed")

    def _request(self, mapping: Mapping) -> dict[str, Any]:
        request: dict[str, Any] = {
            "FunctionName": self._full(mapping.function),
            "EventSourceArn": self._source_arn(mapping),
            "BatchSize": mapping.batch_size,
            "MaximumBatchingWindowInSeconds": mapping.maximum_batching_window_seconds,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
        if mapping.kind == "queue":
            return request
        assert mapping.on_failure is not None
        return request | {
            "StartingPosition": mapping.starting_position,
            "ParallelizationFactor": mapping.parallelization_factor,
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": mapping.maximum_retry_attempts,
            "MaximumRecordAgeInSeconds": mapping.maximum_record_age_seconds,
            "DestinationConfig": {
                "OnFailure": {"Destination": self._queue_arn(mapping.on_failure.partition("/")[2])}
            },
        }

    def _source_arn(self, mapping: Mapping) -> str:
        name = self._full(mapping.source_name)
        if mapping.kind == "stream":
            summary = self._client("kinesis").describe_stream_summary(StreamName=name)[
                "StreamDescriptionSummary"
            ]
            return str(summary["StreamARN"])
        if mapping.kind == "table":
            arn = self._client("dynamodb").describe_table(TableName=name)["Table"].get("LatestStreamArn")
            if arn is None:
                raise MappingError(
                    f"The table {name} has no stream: add a StreamSpecification to the template."
                )
            return str(arn)
        return self._queue_arn(mapping.source_name)

    def _queue_arn(self, name: str) -> str:
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=self._full(name))["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        return str(attributes["QueueArn"])
