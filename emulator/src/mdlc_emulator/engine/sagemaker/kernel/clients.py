"""Clients for what SageMaker does in other services on behalf of an account: S3, CloudWatch, events."""

from typing import Any

from mdlc_emulator.engine.aws_error import Caller


def client(service: str, caller: Caller) -> Any:
    """A boto3 client inside the engine, for the caller's account and region."""
    from localstack.aws.connect import connect_to

    return connect_to(aws_access_key_id=caller.account, region_name=caller.region).get_client(service)
