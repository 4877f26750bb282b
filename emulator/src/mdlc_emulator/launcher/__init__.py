"""The light part: starts, finds and ends emulators. Standard library only."""

from mdlc_emulator.launcher.instance import Instance, start

__all__ = ["Instance", "start"]
