"""How many instances the jobs and endpoints of an account may use at once.

https://docs.aws.amazon.com/general/latest/gr/sagemaker.html#limits_sagemaker
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mdlc_emulator.engine.sagemaker.kernel.errors import limit_exceeded

INSTANCES = 20
"""Of one type, for all running jobs of one kind, or for all endpoints."""


def counted(types: Iterable[tuple[str, int]]) -> Counter[str]:
    """How many instances of each type, from (type, number). Numbers may be huge: nothing is laid out."""
    found: Counter[str] = Counter()
    for instance_type, number in types:
        found[instance_type] += number
    return found


def check_instances(usage: str, used: Counter[str], asked: Counter[str], most: int = INSTANCES) -> None:
    """ResourceLimitExceeded when `used` and `asked` instances are more than `most` of one type.
    `usage` is what they are for, as the quota's name has it: "training job", "endpoint"."""
    for instance_type, number in asked.items():
        present = used[instance_type]
        if present + number > most:
            raise limit_exceeded(
                f"The account-level service limit '{instance_type} for {usage} usage' is {most} "
                f"Instances, with current utilization of {present} Instances and a request delta of {number} "
                "Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
                "Service Quotas is not available, contact AWS support to request an increase for this quota."
            )
