"""How SageMaker words why a job failed.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html: an algorithm writes
its own reason to /opt/ml/output/failure, of which FailureReason shows the first 1,024 characters.
"""

from __future__ import annotations

from pathlib import Path

from mdlc_emulator.engine.containers.contract import Ending, Exit
from mdlc_emulator.engine.sagemaker.data.left import opened

LONGEST = 1024
_OWN = ("ClientError:", "AlgorithmError:", "InternalServerError:")

OUT_OF_MEMORY = (
    "ClientError: Please use an instance type with more memory, or reduce the size of {data} data processed "
    "on an instance."
)


def short(text: str) -> str:
    """As much of it as FailureReason and ExitMessage hold."""
    return text[:LONGEST]


def of_exit(ended: Exit, written: str, data: str = "training") -> str:
    """Why a job failed whose container ended so and wrote `written` to its failure file.

    "AlgorithmError: <written>, exit code: <code>", cut so that the code stays; what the algorithm has
    classed itself ("ClientError: ...") keeps its class.
    """
    end = f", exit code: {ended.code}"
    if ended.ending is Ending.OUT_OF_MEMORY:
        return OUT_OF_MEMORY.format(data=data) + end
    text = written.strip()
    if not text.startswith(_OWN):
        text = f"AlgorithmError: {text}"
    return text[: LONGEST - len(end)] + end


def client_error(text: str) -> str:
    """A reason that lies in the request: an image, an object, a bucket."""
    return short(text if text.startswith(_OWN) else f"ClientError: {text}")


def read(ml: Path, path: str) -> str:
    """What an algorithm wrote to a file of one message below its /opt/ml; "" when there is none."""
    try:
        with opened(ml, ml / path) as file:
            return file.read(LONGEST * 4).decode(errors="replace")
    except OSError:
        return ""
