"""Who made a resource, as `CreatedBy` and `LastModifiedBy` say it."""

from typing import Any

from mdlc_emulator.engine.aws_error import Caller


def user_context(caller: Caller) -> dict[str, Any]:
    """The account's root, as whom every caller of the emulator is known."""
    return {
        "IamIdentity": {"Arn": f"arn:aws:iam::{caller.account}:root", "PrincipalId": caller.account},
    }
