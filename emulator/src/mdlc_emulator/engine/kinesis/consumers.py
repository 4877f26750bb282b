"""Enhanced fan-out consumers, resource policies and tags."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.kinesis.store import StreamStore
from mdlc_emulator.engine.kinesis.stream import Consumer, Stream
from mdlc_emulator.engine.kinesis.tokens import page_token, read_page_token

MOST_CONSUMERS = 20

type Request = dict[str, Any]
type Response = dict[str, Any]


class Consumers:
    """RegisterStreamConsumer and its kin."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store

    def register(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        name = request["ConsumerName"]
        if name in stream.consumers:
            raise AwsError(
                "ResourceInUseException",
                f"Consumer {name} under stream {stream.name} already exists for account {stream.account}.",
            )
        if len(stream.consumers) >= MOST_CONSUMERS:
            raise AwsError(
                "LimitExceededException", f"A stream can have at most {MOST_CONSUMERS} registered consumers."
            )
        made = clock.now()
        consumer = Consumer(name, f"{stream.arn}/consumer/{name}:{int(made)}", made)
        stream.consumers[name] = consumer
        return {"Consumer": _shape(consumer, "CREATING")}

    def deregister(self, caller: Caller, request: Request) -> Response:
        stream, consumer = self._find(caller, request)
        del stream.consumers[consumer.name]
        return {}

    def describe(self, caller: Caller, request: Request) -> Response:
        stream, consumer = self._find(caller, request)
        return {"ConsumerDescription": _shape(consumer, "ACTIVE") | {"StreamARN": stream.arn}}

    def list(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        start = read_page_token("consumers", token)["after"] if (token := request.get("NextToken")) else ""
        rest = [stream.consumers[name] for name in sorted(stream.consumers) if name > start]
        page = rest[: request.get("MaxResults", 100)]
        answer: Response = {"Consumers": [_shape(consumer, "ACTIVE") for consumer in page]}
        if len(rest) > len(page):
            answer["NextToken"] = page_token("consumers", after=page[-1].name)
        return answer

    def _find(self, caller: Caller, request: Request) -> tuple[Stream, Consumer]:
        if arn := request.get("ConsumerARN"):
            return self._store.consumer(arn)
        stream = self._store.find(caller, request)
        consumer = stream.consumers.get(request.get("ConsumerName") or "")
        if consumer is None:
            raise AwsError(
                "ResourceNotFoundException",
                f"Consumer {request.get('ConsumerName')} under stream {stream.name} not found for account "
                f"{stream.account}.",
            )
        return stream, consumer


def _shape(consumer: Consumer, status: str) -> Response:
    return {
        "ConsumerName": consumer.name,
        "ConsumerARN": consumer.arn,
        "ConsumerStatus": status,
        "ConsumerCreationTimestamp": datetime.fromtimestamp(int(consumer.made), UTC),
    }


class Policies:
    """Resource policies of streams (kept, and what admits other accounts)."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store

    def put(self, caller: Caller, request: Request) -> Response:
        self._store.by_arn(request["ResourceARN"]).policy = request["Policy"]
        return {}

    def get(self, caller: Caller, request: Request) -> Response:
        return {"Policy": self._store.by_arn(request["ResourceARN"]).policy or "{}"}

    def delete(self, caller: Caller, request: Request) -> Response:
        stream = self._store.by_arn(request["ResourceARN"])
        if stream.policy is None:
            raise AwsError(
                "ResourceNotFoundException", f"No resource policy found for resource ARN {stream.arn}"
            )
        stream.policy = None
        return {}


class Tags:
    """Tags of streams, by the old and the new operations."""

    def __init__(self, store: StreamStore) -> None:
        self._store = store

    def add(self, caller: Caller, request: Request) -> Response:
        _merge(self._store.find(caller, request), request["Tags"])
        return {}

    def remove(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        for key in request["TagKeys"]:
            stream.tags.pop(key, None)
        return {}

    def list(self, caller: Caller, request: Request) -> Response:
        stream = self._store.find(caller, request)
        start = request.get("ExclusiveStartTagKey") or ""
        rest = [key for key in sorted(stream.tags) if key > start]
        page = rest[: request.get("Limit", 50)]
        return {
            "Tags": [{"Key": key, "Value": stream.tags[key]} for key in page],
            "HasMoreTags": len(rest) > len(page),
        }

    def tag(self, caller: Caller, request: Request) -> Response:
        _merge(self._store.by_arn(request["ResourceARN"]), request["Tags"])
        return {}

    def untag(self, caller: Caller, request: Request) -> Response:
        stream = self._store.by_arn(request["ResourceARN"])
        for key in request["TagKeys"]:
            stream.tags.pop(key, None)
        return {}

    def list_resource(self, caller: Caller, request: Request) -> Response:
        stream = self._store.by_arn(request["ResourceARN"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(stream.tags.items())]}


def _merge(stream: Stream, tags: dict[str, str]) -> None:
    merged = stream.tags | tags
    if len(merged) > 50:
        raise AwsError(
            "InvalidArgumentException",
            f"Failed to add tags to stream {stream.name} under account {stream.account} because a given "
            "stream cannot have more than 50 tags associated with it.",
        )
    stream.tags = merged
