"""A mapping from a queue to a function: long polls, batches in parallel, deletes what succeeded."""

import base64
import json
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import get_queue_url

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.event_sources.filtering import accepts
from mdlc_emulator.engine.event_sources.target import FunctionTarget

LOG = logging.getLogger(__name__)

# Lambda begins with five batches at a time.
CONCURRENT_BATCHES = 5
# A message wakes a long poll at once, however long. A short one ends soon after the mapping is disabled:
# what it still received would have to be given back, and count as received.
LONG_POLL_SECONDS = 3
RECEIVE_AT_ONCE = 10
ERROR_PAUSE = 1.0
# 6 MB of an invocation less what stands around the messages.
MOST_PAYLOAD = 6 * 2**20 - 64 * 1024


class QueueMapping:
    """Polls `queue_arn` in one thread and invokes in up to `concurrency` others."""

    def __init__(
        self,
        queue_arn: str,
        client: Any,
        target: FunctionTarget,
        *,
        batch_size: int,
        window: float,
        patterns: Sequence[dict[str, Any]],
        matches: Callable[[dict[str, Any], dict[str, Any]], bool],
        concurrency: int | None,
        noted: Callable[[bool], None],
    ) -> None:
        self._arn, self._client, self._target = queue_arn, client, target
        self._size, self._window, self._noted = batch_size, window, noted
        self._patterns, self._matches = patterns, matches
        self._fifo = queue_arn.endswith(".fifo")
        self._slots = threading.Semaphore(concurrency or CONCURRENT_BATCHES)
        self._pool = ThreadPoolExecutor(concurrency or CONCURRENT_BATCHES, "mapping-batch")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mapping-queue", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more messages; a batch in the function's hands is finished."""
        self._stop.set()
        self._pool.shutdown(wait=False)

    def join(self) -> None:
        """Messages in flight are invisible to others: nothing has to be waited for."""

    def _run(self) -> None:
        while not self._stop.is_set():
            self._slots.acquire()
            messages: list[dict[str, Any]] = []
            try:
                messages = self._receive()
            except (ClientError, BotoCoreError) as error:
                LOG.info("%s cannot be polled: %s", self._arn, error)
                clock.pause(ERROR_PAUSE, self._stop)
            if not messages:
                self._slots.release()
                continue
            if self._stop.is_set() or not self._handed_over(messages):
                self._give_back(messages)
                return

    def _handed_over(self, messages: list[dict[str, Any]]) -> bool:
        try:
            self._pool.submit(self._handle, messages)
        except RuntimeError:
            # Stopped in this very moment.
            return False
        return True

    def _receive(self) -> list[dict[str, Any]]:
        """The next batch: with a window, what comes until it is over or the batch is full."""
        found = self._poll(min(self._size, RECEIVE_AT_ONCE), LONG_POLL_SECONDS)
        if not found or not self._window:
            return found
        size = sum(map(_weight, found))
        until = clock.now() + self._window
        while len(found) < self._size and not self._stop.is_set() and size < MOST_PAYLOAD:
            left = until - clock.now()
            if left <= 0:
                break
            more = self._poll(
                min(self._size - len(found), RECEIVE_AT_ONCE), max(1, min(left, LONG_POLL_SECONDS))
            )
            found += more
            size += sum(map(_weight, more))
        return found

    def _poll(self, most: int, wait: float) -> list[dict[str, Any]]:
        answer = self._client.receive_message(
            QueueUrl=get_queue_url(self._arn),
            MaxNumberOfMessages=most,
            WaitTimeSeconds=int(wait),
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def _handle(self, messages: list[dict[str, Any]]) -> None:
        try:
            events = [self._event(message) for message in messages]
            wanted = [
                (message, event)
                for message, event in zip(messages, events, strict=True)
                if accepts("sqs", self._patterns, event, self._matches)
            ]
            chosen = [message for message, _ in wanted]
            # What the filter drops is taken off the queue, as AWS does.
            self._delete([message for message in messages if message not in chosen])
            for part in _parts(wanted):
                self._invoke(part)
        except Exception:
            LOG.exception("A batch of %s has failed; its messages become visible again.", self._arn)
        finally:
            self._slots.release()

    def _invoke(self, part: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        identifiers = [message["MessageId"] for message, _ in part]
        outcome = self._target.invoke([event for _, event in part], identifiers)
        self._noted(outcome.failed is None)
        if not outcome.counts:
            # The function was not run: the messages go back at once, without waiting for their visibility.
            clock.pause(ERROR_PAUSE, self._stop)
            self._give_back([message for message, _ in part])
            return
        if outcome.failed is None:
            self._delete([message for message, _ in part])
        elif outcome.failed:
            self._delete([message for message, _ in part if message["MessageId"] not in outcome.failed])

    def _event(self, message: dict[str, Any]) -> dict[str, Any]:
        event: dict[str, Any] = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": _attributes(message.get("MessageAttributes", {})),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._arn.split(":")[3],
        }
        if digest := message.get("MD5OfMessageAttributes"):
            event["md5OfMessageAttributes"] = digest
        return event

    def _delete(self, messages: list[dict[str, Any]]) -> None:
        for start in range(0, len(messages), RECEIVE_AT_ONCE):
            self._client.delete_message_batch(
                QueueUrl=get_queue_url(self._arn),
                Entries=[
                    {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]}
                    for at, message in enumerate(messages[start : start + RECEIVE_AT_ONCE])
                ],
            )

    def _give_back(self, messages: list[dict[str, Any]]) -> None:
        for start in range(0, len(messages), RECEIVE_AT_ONCE):
            self._client.change_message_visibility_batch(
                QueueUrl=get_queue_url(self._arn),
                Entries=[
                    {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
                    for at, message in enumerate(messages[start : start + RECEIVE_AT_ONCE])
                ],
            )


def _weight(message: dict[str, Any]) -> int:
    return len(message["Body"].encode()) + 1024


def _parts(
    wanted: list[tuple[dict[str, Any], dict[str, Any]]],
) -> list[list[tuple[dict[str, Any], dict[str, Any]]]]:
    """`wanted` cut so that each part fits an invocation."""
    parts: list[list[tuple[dict[str, Any], dict[str, Any]]]] = []
    size = MOST_PAYLOAD + 1
    for message, event in wanted:
        weight = len(json.dumps(event))
        if size + weight > MOST_PAYLOAD:
            parts.append([])
            size = 0
        parts[-1].append((message, event))
        size += weight
    return parts


def _attributes(given: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Message attributes as the event holds them: members in lower camel case, binary as base64."""
    found: dict[str, dict[str, Any]] = {}
    for name, attribute in given.items():
        members: dict[str, Any] = {"stringListValues": [], "binaryListValues": []} | {
            key[0].lower() + key[1:]: value for key, value in attribute.items()
        }
        if isinstance(members.get("binaryValue"), bytes):
            members["binaryValue"] = base64.b64encode(members["binaryValue"]).decode()
        found[name] = members
    return found
