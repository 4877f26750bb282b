"""State changes of training jobs, for EventBridge.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-training
"""

from __future__ import annotations

from mdlc_emulator.engine.sagemaker.kernel.events import announce
from mdlc_emulator.engine.sagemaker.training.describe import described
from mdlc_emulator.engine.sagemaker.training.job import TrainingJob


def tell(job: TrainingJob) -> None:
    """Announce the job as it is now."""
    announce(
        job.caller,
        "SageMaker Training Job State Change",
        described(job) | {"Tags": dict(job.tags)},
        [job.arn],
    )
