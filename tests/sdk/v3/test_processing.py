"""Processors: https://sagemaker.readthedocs.io/en/stable/ml_ops/index.html"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.shared import content_of

SCRIPT = """
import pathlib, sys

lines = [
    line
    for path in sorted(pathlib.Path("/opt/ml/processing/input/rows").iterdir())
    for line in path.read_text().splitlines()
]
print(f"{len(lines)} lines", flush=True)
out = pathlib.Path("/opt/ml/processing/output/sum")
out.mkdir(parents=True, exist_ok=True)
times = int(sys.argv[sys.argv.index("--times") + 1])
(out / "sum.txt").write_text(str(times * sum(int(line) for line in lines)))
"""


def _places(rows: str, result: str) -> tuple[list[Any], list[Any]]:
    from sagemaker.core.shapes import (
        ProcessingInput,
        ProcessingOutput,
        ProcessingS3Input,
        ProcessingS3Output,
    )

    inputs = [
        ProcessingInput(
            input_name="rows",
            s3_input=ProcessingS3Input(
                s3_uri=rows,
                local_path="/opt/ml/processing/input/rows",
                s3_data_type="S3Prefix",
                s3_input_mode="File",
            ),
        )
    ]
    outputs = [
        ProcessingOutput(
            output_name="sum",
            s3_output=ProcessingS3Output(
                s3_uri=result, local_path="/opt/ml/processing/output/sum", s3_upload_mode="EndOfJob"
            ),
        )
    ]
    return inputs, outputs


def test_a_script_is_processed(
    session: Any,
    role: str,
    sklearn_image: str,
    put: Callable[[str, str], str],
    bucket: str,
    tmp_path: Path,
    unique: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from sagemaker.core.processing import ScriptProcessor

    put("rows/a.txt", "1\n2\n")
    put("rows/b.txt", "3\n")
    script = tmp_path / "add.py"
    script.write_text(SCRIPT)
    processor = ScriptProcessor(
        role=role,
        image_uri=sklearn_image,
        command=["python3"],
        instance_count=1,
        instance_type="ml.m5.large",
        base_job_name=unique("add"),
        sagemaker_session=session,
    )
    inputs, outputs = _places(f"s3://{bucket}/rows", f"s3://{bucket}/result")
    processor.run(code=str(script), inputs=inputs, outputs=outputs, arguments=["--times", "7"])
    assert content_of(session, f"s3://{bucket}/result/sum.txt") == b"42"
    assert "3 lines" in capsys.readouterr().out, "the job's log is shown"
    job = processor.latest_job
    job.refresh()
    assert job.processing_job_status == "Completed"


def test_a_processor_with_an_entry_point_of_its_own_fails_with_its_exit_message(
    session: Any, role: str, sklearn_image: str, bucket: str, unique: Any
) -> None:
    from sagemaker.core.processing import Processor
    from sagemaker.core.utils.exceptions import FailedStatusError

    code = "import pathlib,sys; pathlib.Path('/opt/ml/output/message').write_text('out of rows'); sys.exit(3)"
    processor = Processor(
        role=role,
        image_uri=sklearn_image,
        entrypoint=["python3", "-c", code],
        instance_count=1,
        instance_type="ml.m5.large",
        base_job_name=unique("broken"),
        sagemaker_session=session,
    )
    processor.run(wait=False, logs=False)
    job = processor.latest_job
    with pytest.raises(FailedStatusError, match="Failed"):
        job.wait(poll=1)
    assert job.processing_job_status == "Failed"
    assert "out of rows" in job.exit_message
