"""DynamoDB and its streams in memory, as services of LocalStack."""

from localstack.services.plugins import Service, ServiceLifecycleHook

from mdlc_emulator.engine.dynamodb.backend import stream_operations, table_operations
from mdlc_emulator.engine.dynamodb.expiry import Sweeper
from mdlc_emulator.engine.dynamodb.store import TABLES
from mdlc_emulator.engine.moto_service import native_service

# Checked by the backend, in AWS's words: their limits depend on the table, or their messages differ.
_UNCHECKED = ("AttributeValue", "BatchGetRequestMap", "BatchWriteItemRequestMap", "KeySchema", "TagKeyList")


class _Lifecycle(ServiceLifecycleHook):
    def __init__(self) -> None:
        self._sweeper = Sweeper(TABLES)

    def on_after_init(self) -> None:
        self._sweeper.start()

    def on_before_state_reset(self) -> None:
        TABLES.clear()

    def on_before_stop(self) -> None:
        self._sweeper.stop()


def dynamodb_service() -> Service:
    return native_service("dynamodb", table_operations(TABLES), unchecked=_UNCHECKED, lifecycle=_Lifecycle())


def dynamodbstreams_service() -> Service:
    return native_service("dynamodbstreams", stream_operations(TABLES))
