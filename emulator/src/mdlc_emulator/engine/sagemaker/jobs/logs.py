"""What the hosts of jobs print, on its way to CloudWatch Logs: `/aws/sagemaker/<Kind>Jobs`, a stream a host.

https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller


def writer(caller: Caller, group: str, job: str, host: str) -> Callable[[str], None]:
    """A function that takes one line of a host and stores it, soon and in order."""
    from mdlc_emulator.engine.functions.invocation_logs import Stream

    stream = Stream(caller.account, caller.region, group, f"{job}/{host}-{int(clock.now())}")
    delivery = _delivery()
    return lambda line: delivery.add(stream, line or " ")


@functools.cache
def _delivery() -> object:
    from mdlc_emulator.engine.functions.invocation_logs import LogDelivery

    return LogDelivery()
