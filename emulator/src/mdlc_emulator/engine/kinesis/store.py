"""All streams of the emulator, kept apart by account and region, and found by name or ARN."""

from __future__ import annotations

import re
import threading
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.kinesis.stream import Consumer, Stream

_STREAM_ARN = re.compile(r"arn:aws[a-z-]*:kinesis:([a-z0-9-]+):(\d{12}):stream/([a-zA-Z0-9_.-]+)")


class StreamStore:
    """Every stream, by (account, region) and name."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str], dict[str, Stream]] = {}
        self._lock = threading.RLock()

    def of(self, caller: Caller) -> dict[str, Stream]:
        """The streams of one account in one region; a live dictionary."""
        with self._lock:
            return self._streams.setdefault((caller.account, caller.region), {})

    def all(self) -> list[Stream]:
        with self._lock:
            return [stream for streams in self._streams.values() for stream in streams.values()]

    def clear(self) -> None:
        for stream in self.all():
            stream.remove()
        with self._lock:
            self._streams.clear()

    def find(self, caller: Caller, request: dict[str, Any]) -> Stream:
        """The stream that `StreamARN` or `StreamName` of a request names."""
        arn, name = request.get("StreamARN"), request.get("StreamName")
        if arn:
            stream = self.by_arn(arn)
            self.admit(caller, stream)
            return stream
        if not name:
            raise AwsError("InvalidArgumentException", "Either StreamName or StreamARN must be specified.")
        return self._named(caller, name)

    def admit(self, caller: Caller, stream: Stream) -> None:
        """Refuse a stranger: another region never, another account only under a resource policy."""
        region = stream.arn.split(":")[3]
        if caller.region != region:
            raise AwsError(
                "InvalidArgumentException", f"{stream.arn} lies in {region}, not in {caller.region}."
            )
        if caller.account != stream.account and stream.policy is None:
            raise AwsError(
                "AccessDeniedException",
                f"Account {caller.account} is not authorized to use {stream.arn} "
                "because no resource-based policy allows the action.",
            )

    def by_arn(self, arn: str) -> Stream:
        match = _STREAM_ARN.match(arn)
        if match is None:
            raise AwsError("InvalidArgumentException", f"{arn} is not the ARN of a stream.")
        region, account, name = match.groups()
        return self._named(Caller(account, region), name)

    def consumer(self, arn: str) -> tuple[Stream, Consumer]:
        """A consumer and its stream, by the consumer's ARN."""
        try:
            stream = self.by_arn(arn)
        except AwsError:
            stream = None
        for consumer in stream.consumers.values() if stream else ():
            if consumer.arn == arn:
                assert stream is not None
                return stream, consumer
        raise AwsError("ResourceNotFoundException", f"Consumer {arn} not found.")

    def _named(self, caller: Caller, name: str) -> Stream:
        try:
            return self.of(caller)[name]
        except KeyError:
            raise AwsError(
                "ResourceNotFoundException", f"Stream {name} under account {caller.account} not found."
            ) from None


STREAMS = StreamStore()
