"""DataProcessing: what of a record goes to the model, and what of record and answer goes into the output.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataProcessing.html. Records are the rows of
CSV (as arrays), the lines of JSON Lines, or a whole JSON document.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from mdlc_emulator.engine.sagemaker.transform.paths import PathError, compile_path

CSV = frozenset({"text/csv"})
LINES = frozenset({"application/jsonlines", "application/x-jsonlines", "application/jsonl"})
JSON = frozenset({"application/json"})
OUTPUT, INPUT = "SageMakerOutput", "SageMakerInput"


class ProcessingError(Exception):
    """Records and answers cannot be filtered or joined. The message is for the job's log."""


class Processing:
    """The filters and the join of one job. `content_type` is its input's."""

    def __init__(self, asked: dict[str, Any], content_type: str) -> None:
        """PathError, ProcessingError for filters of what is neither CSV nor JSON."""
        self._input = compile_path(asked.get("InputFilter", "$"))
        self._output = compile_path(asked.get("OutputFilter", "$"))
        self._join = asked.get("JoinSource", "None") == "Input"
        self._type = _bare(content_type)
        if self.active and self._type not in CSV | LINES | JSON:
            raise ProcessingError(
                "DataProcessing is possible for the content types text/csv, application/json and "
                f"application/jsonlines only, not for {content_type or 'none'}"
            )

    @property
    def active(self) -> bool:
        """Whether there is anything to do: most jobs have nothing."""
        return self._input is not None or self._output is not None or self._join

    def before(self, payload: bytes) -> bytes:
        """What the model is sent for a piece of the input."""
        if self._input is None:
            return payload
        return _written([_picked(self._input, record) for record in _read(payload, self._type)], self._type)

    def after(self, payload: bytes, answer: bytes, content_type: str) -> bytes:
        """What goes into the output for a piece of the input and the model's answer to what was sent."""
        if self._output is None and not self._join:
            return answer
        kind = _bare(content_type) or self._type
        if kind not in CSV | LINES | JSON:
            raise ProcessingError(
                f"the model answered in content type {kind}, which cannot be joined or filtered"
            )
        results = _read(answer, kind)
        if self._join:
            records = _read(payload, self._type)
            if len(records) != len(results):
                raise ProcessingError(
                    f"the model answered {len(results)} record(s) to {len(records)}: they cannot be joined"
                )
            kind = self._type
            results = [_joined(record, result, kind) for record, result in zip(records, results, strict=True)]
        if self._output is not None:
            results = [_picked(self._output, result) for result in results]
        return _written(results, kind)


def _bare(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _picked(pick: Any, record: Any) -> Any:
    try:
        return pick(record)
    except PathError as error:
        raise ProcessingError(str(error)) from error


def _joined(record: Any, result: Any, kind: str) -> Any:
    if kind in CSV:
        return [*record, *(result if isinstance(result, list) else [result])]
    if isinstance(record, dict):
        return {**record, OUTPUT: result}
    return {INPUT: record, OUTPUT: result}


def _read(data: bytes, kind: str) -> list[Any]:
    try:
        if kind in CSV:
            return [row for row in csv.reader(io.StringIO(data.decode(), newline="")) if row]
        if kind in LINES:
            return [json.loads(line) for line in data.splitlines() if line.strip()]
        return [json.loads(data)]
    except (ValueError, csv.Error) as error:
        raise ProcessingError(f"a record is no {kind}: {error}") from error


def _written(records: Sequence[Any], kind: str) -> bytes:
    if kind in CSV:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(record if isinstance(record, list) else [record] for record in records)
        return text.getvalue().encode()
    if kind in LINES:
        return b"".join(json.dumps(record).encode() + b"\n" for record in records)
    return b"".join(json.dumps(record).encode() for record in records)
