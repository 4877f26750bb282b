"""The environment variables of a job's container, beside those that its image and its request bring."""

from __future__ import annotations

from collections.abc import Mapping

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.images.recipe import Program, variables


def environment(caller: Caller, program: Program, request: Mapping[str, str]) -> dict[str, str]:
    """What the container's first process finds. Calls to AWS reach the emulator as the job's account; the
    region is in AWS_REGION alone, as on SageMaker: boto3 wants it named, or AWS_DEFAULT_REGION asked for."""
    from localstack import config

    return {
        "PYTHONUNBUFFERED": "1",
        # Several jobs share this machine's few processors: threads that wait must not spin.
        "OMP_WAIT_POLICY": "PASSIVE",
        **variables(program.path, program.environment),
        "AWS_REGION": caller.region,
        "AWS_ENDPOINT_URL": config.internal_service_url(),
        "AWS_ACCESS_KEY_ID": caller.account,
        "AWS_SECRET_ACCESS_KEY": "test",
        **request,
    }
