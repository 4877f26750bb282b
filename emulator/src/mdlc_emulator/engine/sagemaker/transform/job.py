"""A transform job as the emulator keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from mdlc_emulator.engine.sagemaker.jobs.plain import PlainJob
from mdlc_emulator.engine.sagemaker.kernel.resource import Response


@dataclass(eq=False, slots=True)
class TransformJob(PlainJob):
    """A job of CreateTransformJob."""

    NOUN = "Transform"
    LISTED = ("TransformEndTime", "TransformJobStatus", "FailureReason")

    def described(self) -> Response:
        """DescribeTransformJob's response, which alone among the jobs' has no LastModifiedTime."""
        shown = {**self._record(), **self.members}
        del shown["LastModifiedTime"]
        return shown
