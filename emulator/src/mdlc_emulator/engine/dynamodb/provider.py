"""DynamoDB and its streams in memory."""

from localstack.services.plugins import Service

from mdlc_emulator.engine.moto_service import moto_service


def dynamodb_service() -> Service:
    return moto_service("dynamodb")


def dynamodbstreams_service() -> Service:
    return moto_service("dynamodbstreams")
