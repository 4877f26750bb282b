"""Arrays as bodies."""

from mdlc_emulator.scripts.codecs import encode

__all__ = ["encode"]
