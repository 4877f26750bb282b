"""The service that LocalStack loads."""

from localstack.services.plugins import Service

from mdlc_emulator.engine.stepfunctions.install import install


def stepfunctions_service() -> Service:
    """Step Functions, every change installed."""
    install()
    from mdlc_emulator.engine.stepfunctions import batch_task, provider, sagemaker_task

    batch_task.install()
    sagemaker_task.install()
    provider.install()
    return Service.for_provider(provider.Provider())
