"""How many instances the jobs of an account may use at once.

https://docs.aws.amazon.com/general/latest/gr/sagemaker.html#limits_sagemaker
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mdlc_emulator.engine.sagemaker.kernel.errors import limit_exceeded

INSTANCES = 20
"""Of one type, for all running jobs of one kind."""


def check_instances(usage: str, used: Iterable[str], asked: Iterable[str]) -> None:
    """ResourceLimitExceeded when `used` and `asked` instances (their types) are more than there may be.
    `usage` is the kind of job as the quota's name has it: "training job"."""
    in_use = Counter(used)
    for instance_type, number in Counter(asked).items():
        present = in_use[instance_type]
        if present + number > INSTANCES:
            raise limit_exceeded(
                f"The account-level service limit '{instance_type} for {usage} usage' is {INSTANCES} "
                f"Instances, with current utilization of {present} Instances and a request delta of {number} "
                "Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
                "Service Quotas is not available, contact AWS support to request an increase for this quota."
            )
