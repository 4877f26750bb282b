"""Bodies as arrays."""

from mdlc_emulator.scripts.codecs import decode

__all__ = ["decode"]
