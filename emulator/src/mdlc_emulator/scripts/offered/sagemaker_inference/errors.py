"""What a function raises for a format that it does not know."""

from mdlc_emulator.scripts.codecs import UnsupportedFormatError

__all__ = ["UnsupportedFormatError"]
