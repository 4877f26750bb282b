"""State changes told to EventBridge.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.resource import moment
from mdlc_emulator.engine.state_changes import Courier

_COURIER = Courier("aws.sagemaker")


def announce(caller: Caller, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
    """Put an event on the account's default bus, soon."""
    _COURIER.announce(
        caller,
        lambda: {
            "DetailType": detail_type,
            "Detail": json.dumps(detail, default=_plain),
            "Resources": list(resources),
            "Time": moment(clock.now()),
        },
    )


def _plain(value: Any) -> Any:
    """Times in events are milliseconds since the epoch."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    raise TypeError(f"{type(value).__name__} in an event")
