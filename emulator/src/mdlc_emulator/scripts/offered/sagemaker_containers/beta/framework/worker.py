"""What an output_fn or a transform_fn may return."""

from mdlc_emulator.scripts.familiar import Response

__all__ = ["Response"]
