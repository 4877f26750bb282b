"""JSONata as Step Functions speaks it: version 2.0.6, AWS's own functions, bounded in time, depth and
length."""

from mdlc_emulator.engine.stepfunctions.jsonata.engine import UNDEFINED, evaluate, validate
from mdlc_emulator.engine.stepfunctions.jsonata.errors import JsonataError, UnsupportedResultError

__all__ = ["UNDEFINED", "JsonataError", "UnsupportedResultError", "evaluate", "validate"]
