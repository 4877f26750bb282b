"""The light part: starts, finds and ends emulators. Standard library only."""

from mdlc_emulator.launcher.errors import (
    AlreadyRunningError,
    EmulatorError,
    EnvironmentMissingError,
    NothingRunningError,
    PortTakenError,
    StartError,
)
from mdlc_emulator.launcher.instance import Instance, instances, log_tail, running, start

__all__ = [
    "AlreadyRunningError",
    "EmulatorError",
    "EnvironmentMissingError",
    "Instance",
    "NothingRunningError",
    "PortTakenError",
    "StartError",
    "instances",
    "log_tail",
    "running",
    "start",
]
