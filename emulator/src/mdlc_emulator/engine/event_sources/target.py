"""The two ends of a mapping in LocalStack: the function it invokes, the destination of what it gives up."""

import json
import logging
from collections.abc import Collection, Sequence
from typing import Any

import botocore.config
from botocore.exceptions import BotoCoreError, ClientError
from localstack.services.lambda_.event_source_mapping.pipe_utils import get_internal_client
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import get_queue_url

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.event_sources.delivery import Delivered, Outcome
from mdlc_emulator.engine.event_sources.destination_record import invocation_record, s3_key
from mdlc_emulator.engine.event_sources.failures import failed_items

LOG = logging.getLogger(__name__)

# The longest a function runs, and a little.
READ_TIMEOUT = 905


class FunctionTarget:
    """The function of a mapping, invoked synchronously with `{"Records": [...]}`."""

    def __init__(self, function_arn: str, *, report_failures: bool) -> None:
        self.arn = function_arn
        self._report = report_failures
        self._client = get_internal_client(
            arn=function_arn,
            client_config=botocore.config.Config(
                retries={"total_max_attempts": 1}, read_timeout=READ_TIMEOUT, tcp_keepalive=True
            ),
        )

    def invoke(self, events: Sequence[dict[str, Any]], identifiers: Collection[str]) -> Outcome:
        """One try. `identifiers` are those that a partial failure may name."""
        try:
            answer = self._client.invoke(
                FunctionName=self.arn, Payload=json.dumps({"Records": events}).encode()
            )
        except (ClientError, BotoCoreError) as error:
            # Throttled, not there, being updated: the function has not run, so this was no attempt.
            LOG.info("%s could not be invoked: %s", self.arn, error)
            return Outcome(frozenset(), counts=False)
        context: dict[str, Any] = {
            "requestId": answer["ResponseMetadata"]["RequestId"],
            "responseContext": {
                "statusCode": answer["StatusCode"],
                "executedVersion": answer.get("ExecutedVersion", "$LATEST"),
            },
        }
        body = answer["Payload"].read()
        if error_kind := answer.get("FunctionError"):
            context["responseContext"]["functionError"] = error_kind
            return Outcome(frozenset(), context=context)
        if not self._report:
            return Outcome(context=context)
        try:
            returned = json.loads(body) if body else None
        except ValueError:
            return Outcome(frozenset(), context=context)
        return Outcome(failed_items(returned, identifiers), context=context)


class Destination:
    """Where a mapping reports the records it gives up: SQS, SNS or S3; without an ARN nowhere."""

    def __init__(self, arn: str | None, function_arn: str, mapping_id: str) -> None:
        self._arn, self._function_arn, self._mapping_id = arn, function_arn, mapping_id

    def send(
        self,
        kind: str,
        stream_arn: str,
        shard_id: str,
        records: Sequence[Delivered],
        *,
        condition: str,
        tries: int,
        context: dict[str, Any],
    ) -> None:
        if self._arn is None:
            LOG.info("%d records of %s were given up (%s).", len(records), shard_id, condition)
            return
        now = clock.now()
        record = invocation_record(
            kind,
            stream_arn,
            shard_id,
            records,
            function_arn=self._function_arn,
            condition=condition,
            tries=tries,
            context=context,
            now=now,
        )
        try:
            self._send(record, [each.event for each in records], shard_id, now)
        except (ClientError, BotoCoreError):
            LOG.exception("The on-failure destination %s took no invocation record.", self._arn)

    def _send(self, record: dict[str, Any], events: list[dict[str, Any]], shard_id: str, now: float) -> None:
        assert self._arn is not None
        service = self._arn.split(":")[2]
        if service == "sqs":
            get_internal_client(self._arn).send_message(
                QueueUrl=get_queue_url(self._arn), MessageBody=json.dumps(record)
            )
        elif service == "sns":
            get_internal_client(self._arn).publish(TopicArn=self._arn, Message=json.dumps(record))
        else:
            # A bucket's ARN names neither account nor region: the function's are meant.
            client = get_internal_client(self._function_arn, service="s3")
            client.put_object(
                Bucket=self._arn.rsplit(":", 1)[-1],
                Key=s3_key(self._mapping_id, shard_id, now),
                Body=json.dumps(record | {"payload": {"Records": events}}),
            )
