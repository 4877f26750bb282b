"""A processing job as the emulator keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from mdlc_emulator.engine.sagemaker.jobs.plain import PlainJob


@dataclass(eq=False, slots=True)
class ProcessingJob(PlainJob):
    """A job of CreateProcessingJob."""

    NOUN = "Processing"
    LISTED = ("ProcessingEndTime", "ProcessingJobStatus", "FailureReason", "ExitMessage")
