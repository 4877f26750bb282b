"""What a metric filter publishes for an event that matches."""

import json

from mdlc_emulator.engine.logs.selectors import selected
from mdlc_emulator.engine.logs.values import number


def metric_value(value: str, message: str) -> float | None:
    """The number `value` itself, or what its selector (`$.took`) finds in a JSON event; None when that is no
    number, and nothing is published."""
    if not value.startswith("$."):
        return number(value)
    try:
        found = selected(json.loads(message), value)
    except ValueError:
        return None
    return number(found[0]) if found else None
