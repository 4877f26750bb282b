"""Kinesis Data Streams in memory, as a service of LocalStack."""

from localstack.services.plugins import Service, ServiceLifecycleHook

from mdlc_emulator.engine.kinesis.backend import operations
from mdlc_emulator.engine.kinesis.records import Records
from mdlc_emulator.engine.kinesis.store import STREAMS
from mdlc_emulator.engine.moto_service import native_service

RECORDS = Records(STREAMS)


class _Lifecycle(ServiceLifecycleHook):
    def on_before_state_reset(self) -> None:
        STREAMS.clear()

    def on_before_stop(self) -> None:
        # Subscriptions end within their pause, so that no open response holds up the shutdown.
        RECORDS.stopping = True
        for stream in STREAMS.all():
            stream.wake()


def kinesis_service() -> Service:
    # `Data` is checked against the stream's own record size, ShardFilter's and mode's enums by the model.
    return native_service(
        "kinesis", operations(STREAMS, RECORDS), unchecked=("Data",), lifecycle=_Lifecycle()
    )
