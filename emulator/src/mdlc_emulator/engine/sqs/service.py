"""The SQS service for LocalStack's plugin manager."""

from localstack.services.plugins import Service
from localstack.services.sqs import provider

from mdlc_emulator.engine.sqs.metrics import GatheringDispatcher


def sqs_service() -> Service:
    """LocalStack's provider, telling its metrics to our dispatcher."""
    if not hasattr(provider, "CloudwatchDispatcher"):
        raise RuntimeError(
            "localstack.services.sqs.provider.CloudwatchDispatcher is gone: not the locked LocalStack"
        )
    provider.CloudwatchDispatcher = GatheringDispatcher  # type: ignore[misc]
    return Service.for_provider(provider.SqsProvider())
