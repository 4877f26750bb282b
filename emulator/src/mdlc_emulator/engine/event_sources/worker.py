"""The worker behind a mapping, as LocalStack's Lambda provider drives it."""

import json
import logging
import threading
from collections.abc import Sequence
from typing import Any

import botocore.config
from localstack.aws.api.lambda_ import InvalidParameterValueException
from localstack.services.lambda_.event_source_mapping.esm_worker import EsmState, EsmStateReason
from localstack.services.lambda_.event_source_mapping.pipe_utils import get_internal_client
from localstack.services.lambda_.invocation.models import LambdaStore, lambda_stores
from localstack.utils.aws.client_types import ServicePrincipal
from localstack.utils.event_matcher import matches_event

from mdlc_emulator.engine.dynamodb.store import TABLES
from mdlc_emulator.engine.event_sources.delivery import Delivered, GiveUp, Outcome, Policy
from mdlc_emulator.engine.event_sources.filtering import accepts
from mdlc_emulator.engine.event_sources.lanes import Progress
from mdlc_emulator.engine.event_sources.reader import Batching, Handling
from mdlc_emulator.engine.event_sources.sqs_mapping import LONG_POLL_SECONDS, QueueMapping
from mdlc_emulator.engine.event_sources.stream_mapping import StreamMapping
from mdlc_emulator.engine.event_sources.streams import DynamoSource, KinesisSource, Source, SourceShard
from mdlc_emulator.engine.event_sources.target import Destination, FunctionTarget
from mdlc_emulator.engine.kinesis.store import STREAMS

LOG = logging.getLogger(__name__)

# What each mapping has read so far, by its UUID: outlives the worker, which an update replaces.
PROGRESS: dict[str, Progress] = {}
# The mapping that last ran under a UUID: the next begins when its last invocation has been answered.
_RUNNING: dict[str, "StreamMapping | QueueMapping"] = {}
_LOCK = threading.Lock()


class MappingWorker:
    """Has the interface of LocalStack's EsmWorker."""

    def __init__(self, config: dict[str, Any], role_arn: str, enabled: bool) -> None:
        self.esm_config, self.enabled, self._role = config, enabled, role_arn
        self.current_state = EsmState.CREATING
        self._kind = config["EventSourceArn"].split(":")[2]
        self._reason = EsmStateReason.USER_INITIATED if self._kind == "sqs" else EsmStateReason.USER_ACTION
        self.state_transition_reason = self._reason
        account, region = config["FunctionArn"].split(":")[4], config["FunctionArn"].split(":")[3]
        self._store: LambdaStore = lambda_stores[account][region]
        self._mapping = self._build()

    @property
    def uuid(self) -> str:
        return str(self.esm_config["UUID"])

    def create(self) -> None:
        """Begin, or stay disabled."""
        if not self.enabled:
            self._become(EsmState.DISABLED)
            return
        with _LOCK:
            before = _RUNNING.get(self.uuid)
            _RUNNING[self.uuid] = self._mapping
        if before is None:
            self._begin()
        else:
            self.current_state = EsmState.ENABLING
            threading.Thread(target=self._succeed, args=(before,), daemon=True).start()

    def _succeed(self, before: "StreamMapping | QueueMapping") -> None:
        before.join()
        self._begin()

    def _begin(self) -> None:
        self._mapping.start()
        self._become(EsmState.ENABLED)

    def stop(self) -> None:
        """End because the mapping was changed; what comes after is another worker's, and so is the state."""
        self._mapping.stop()

    def delete(self) -> None:
        self.current_state = EsmState.DELETING
        self._mapping.stop()
        self._store.event_source_mappings.pop(self.uuid, None)
        with _LOCK:
            PROGRESS.pop(self.uuid, None)
            _RUNNING.pop(self.uuid, None)

    def stop_for_shutdown(self) -> None:
        self._mapping.stop()

    def _become(self, state: EsmState) -> None:
        self.current_state = state
        if self.uuid in self._store.event_source_mappings:
            self._store.event_source_mappings[self.uuid].update({"State": state})

    def _noted(self, succeeded: bool) -> None:
        mapping = self._store.event_source_mappings.get(self.uuid)
        if mapping is not None and self._kind != "sqs":
            mapping["LastProcessingResult"] = "OK" if succeeded else "PROBLEM: Function call failed"

    def _build(self) -> "StreamMapping | QueueMapping":
        config = self.esm_config
        report = "ReportBatchItemFailures" in config.get("FunctionResponseTypes", [])
        target = FunctionTarget(config["FunctionArn"], report_failures=report)
        patterns = [
            json.loads(each["Pattern"]) for each in config.get("FilterCriteria", {}).get("Filters", [])
        ]
        if self._kind == "sqs":
            return QueueMapping(
                config["EventSourceArn"],
                self._queue_client(),
                target,
                batch_size=config["BatchSize"],
                window=config.get("MaximumBatchingWindowInSeconds", 0),
                patterns=patterns,
                matches=matches_event,
                concurrency=config.get("ScalingConfig", {}).get("MaximumConcurrency"),
                noted=self._noted,
            )
        with _LOCK:
            progress = PROGRESS.setdefault(self.uuid, Progress())
        return StreamMapping(
            self._source(),
            progress,
            self._handling(target, patterns, report=report),
            position=config["StartingPosition"],
            moment=config.get("StartingPositionTimestamp"),
            factor=config.get("ParallelizationFactor", 1),
        )

    def _queue_client(self) -> Any:
        return get_internal_client(
            arn=self.esm_config["EventSourceArn"],
            role_arn=self._role,
            service_principal=ServicePrincipal.lambda_,
            source_arn=self.esm_config["FunctionArn"],
            client_config=botocore.config.Config(
                retries={"total_max_attempts": 1}, read_timeout=LONG_POLL_SECONDS + 5
            ),
        )

    def _source(self) -> Source:
        arn = self.esm_config["EventSourceArn"]
        if self._kind == "kinesis":
            return KinesisSource(STREAMS, arn, self._role)
        return DynamoSource(TABLES, arn)

    def _handling(
        self, target: FunctionTarget, patterns: Sequence[dict[str, Any]], *, report: bool
    ) -> Handling:
        config, kind = self.esm_config, self._kind
        destination = Destination(
            config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
            config["FunctionArn"],
            self.uuid,
        )

        def invoke(records: Sequence[Delivered]) -> Outcome:
            outcome = target.invoke(
                [record.event for record in records], [record.sequence for record in records]
            )
            self._noted(outcome.failed is None)
            return outcome

        def give_up(shard: SourceShard) -> GiveUp:
            def send(
                records: Sequence[Delivered], condition: str, tries: int, context: dict[str, Any]
            ) -> None:
                destination.send(
                    kind,
                    config["EventSourceArn"],
                    shard.id,
                    records,
                    condition=condition,
                    tries=tries,
                    context=context,
                )

            return send

        return Handling(
            Batching(config["BatchSize"], config.get("MaximumBatchingWindowInSeconds", 0)),
            Policy(
                retries=config.get("MaximumRetryAttempts", -1),
                oldest_seconds=config.get("MaximumRecordAgeInSeconds", -1),
                bisect=bool(config.get("BisectBatchOnFunctionError")),
                report_failures=report,
            ),
            lambda record: accepts(kind, patterns, record.event, matches_event),
            invoke,
            give_up,
        )


def refuse(message: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(message, Type="User")
