"""An event: an invocation that nobody waits for, and how far it has come."""

from dataclasses import dataclass

from mdlc_emulator.engine.functions.invocation_call import Call


@dataclass(slots=True)
class Event:
    """One event on its way. `attempts` counts the runs of the function, `refusals` the throttles since the
    last."""

    call: Call
    qualifier: str
    received: float
    attempts: int = 0
    refusals: int = 0
