"""The Step Functions API: LocalStack's, with what it leaves out."""

from __future__ import annotations

from localstack.services.plugins import Service

from mdlc_emulator.engine.stepfunctions.install import install


def stepfunctions_service() -> Service:
    install()
    from localstack.services.stepfunctions.provider import StepFunctionsProvider

    return Service.for_provider(StepFunctionsProvider())
