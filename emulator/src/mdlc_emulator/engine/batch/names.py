"""Names and ARNs of Batch's resources. Pure.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.batch.errors import invalid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_TAGS_AT_MOST = 50


def arn(caller: Caller, kind: str, name: str) -> str:
    """`kind` is compute-environment, job-queue, job-definition, scheduling-policy or job."""
    region = caller.region
    partition = (
        "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    )
    return f"arn:{partition}:batch:{region}:{caller.account}:{kind}/{name}"


def short(name_or_arn: str) -> str:
    """The name in an ARN; a name as it is."""
    return name_or_arn.rsplit("/", 1)[-1] if name_or_arn.startswith("arn:") else name_or_arn


def check_name(name: str, what: str) -> None:
    """Up to 128 letters, digits, hyphens and underscores, the first of them a letter or digit."""
    if not _NAME.fullmatch(name):
        raise invalid(f"{what} should match valid pattern")


def check_tags(tags: Mapping[str, str]) -> None:
    """At most 50, none of AWS's own prefix.

    Source: https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html#tag-restrictions
    """
    if len(tags) > _TAGS_AT_MOST:
        raise invalid(f"The number of tags must not exceed {_TAGS_AT_MOST}")
    for key in tags:
        if key.lower().startswith("aws:"):
            raise invalid(f"Tag key {key} is reserved: it must not begin with aws:")
