"""What SageMaker looks at before it makes anything: the role, and that S3 locations can be meant."""

from __future__ import annotations

import re

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.clients import client
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid

_S3 = re.compile(r"(?:https|s3)://([^/]+)/?(.*)")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:.*/)?([^/]+)")


def check_role(caller: Caller, arn: str) -> None:
    """ValidationException unless the role exists and lets SageMaker assume it."""
    found = _ROLE.fullmatch(arn)
    wrong = invalid(
        f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role."
    )
    if found is None:
        raise wrong
    if found[1] != caller.account:
        raise invalid("Cross-account pass role is not allowed.")
    iam = client("iam", caller)
    try:
        policy = iam.get_role(RoleName=found[2])["Role"]["AssumeRolePolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        raise wrong from None
    if not _trusts(policy):
        raise wrong


def _trusts(policy: dict[str, object]) -> bool:
    statements = policy.get("Statement")
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
            continue
        principal = statement.get("Principal")
        services = principal.get("Service", ()) if isinstance(principal, dict) else principal
        names = [services] if isinstance(services, str) else list(services or ())
        if "sagemaker.amazonaws.com" in names or "*" in names:
            return True
    return False


def split_s3(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of an S3 URI. ValidationException when it is none."""
    found = _S3.fullmatch(uri)
    if found is None:
        raise invalid(f"S3 URI {uri} is not a valid S3 location: s3://bucket/prefix is expected.")
    return found[1], found[2]
