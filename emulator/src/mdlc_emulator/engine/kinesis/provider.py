"""Kinesis Data Streams in memory."""

from localstack.services.plugins import Service

from mdlc_emulator.engine.moto_service import moto_service


def kinesis_service() -> Service:
    return moto_service("kinesis")
