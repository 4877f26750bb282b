"""Data capture: what an endpoint was asked and what it answered, as files in S3.

One line of JSON for each captured request, in `<destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/*.jsonl`:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.endpoints.shares import Shares
from mdlc_emulator.engine.sagemaker.kernel.checks import split_s3
from mdlc_emulator.engine.sagemaker.kernel.clients import client

LOG = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
"""A record is in S3 this long after its request at the latest; AWS gathers them for minutes."""


class Captured(NamedTuple):
    """One invocation to capture. `output` is None where the model gave no answer."""

    variant: str
    event_id: str
    at: float
    input_type: str
    input: bytes
    output_type: str
    output: bytes | None
    custom_attributes: str | None
    inference_id: str | None
    shadow_of: str | None = None


class Capture:
    """Samples, gathers and writes. Safe for use by several threads."""

    def __init__(self, caller: Caller, endpoint: str, config: dict[str, Any]) -> None:
        self._caller, self._endpoint = caller, endpoint
        self._bucket, prefix = split_s3(config["DestinationS3Uri"])
        self._prefix = prefix.rstrip("/")
        self._kms = config.get("KmsKeyId")
        modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        both = "InputAndOutput" in modes
        self._input, self._output = both or "Input" in modes, both or "Output" in modes
        types = config.get("CaptureContentTypeHeader", {})
        self._csv = {kind.lower() for kind in types.get("CsvContentTypes", ())}
        self._json = {kind.lower() for kind in types.get("JsonContentTypes", ())}
        percent = config["InitialSamplingPercentage"]
        self._sample = Shares([(True, Fraction(percent, 100)), (False, Fraction(100 - percent, 100))])
        self._waiting: list[Captured] = []
        self._lock = threading.Lock()
        self._timer: clock.Timer | None = None

    def sampled(self) -> bool:
        """Whether this request is one of those to capture: exactly the sampling percentage of them."""
        return self._sample.pick()

    def add(self, record: Captured) -> None:
        """Keep a record; it is written soon."""
        with self._lock:
            self._waiting.append(record)
            if self._timer is None:
                self._timer = clock.clock().call_at(clock.now() + FLUSH_SECONDS, self._due)

    def _due(self) -> None:
        threading.Thread(target=self.flush, name="sagemaker-capture", daemon=True).start()

    def flush(self) -> None:
        """Write what is waiting."""
        with self._lock:
            records, self._waiting = self._waiting, []
            self._timer = None
        files: dict[str, list[Captured]] = defaultdict(list)
        for record in records:
            files[self._folder(record)].append(record)
        for folder, lines in files.items():
            first = datetime.fromtimestamp(lines[0].at, UTC)
            key = f"{folder}/{first:%M-%S}-{first.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            body = b"".join(self.line(record) for record in lines)
            options = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._kms} if self._kms else {}
            try:
                client("s3", self._caller).put_object(Bucket=self._bucket, Key=key, Body=body, **options)
            except Exception:  # capture must not disturb the endpoint
                LOG.exception(
                    "Captured data of endpoint %s are lost: s3://%s/%s could not be written",
                    self._endpoint,
                    self._bucket,
                    key,
                )

    def _folder(self, record: Captured) -> str:
        hour = datetime.fromtimestamp(record.at, UTC).strftime("%Y/%m/%d/%H")
        return "/".join(part for part in (self._prefix, self._endpoint, record.variant, hour) if part)

    def line(self, record: Captured) -> bytes:
        """The record as a line of the file."""
        data: dict[str, Any] = {}
        if self._input:
            data["endpointInput"] = self._side("INPUT", record.input_type, record.input)
        if self._output and record.output is not None:
            data["endpointOutput"] = self._side("OUTPUT", record.output_type, record.output)
        moment = datetime.fromtimestamp(record.at, UTC)
        event: dict[str, Any] = {"eventId": record.event_id}
        if record.custom_attributes:
            event["customAttributes"] = [record.custom_attributes]
        if record.inference_id:
            event["inferenceId"] = record.inference_id
        if record.shadow_of:
            event["invocationSource"] = "ShadowExperiment"
        event["inferenceTime"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        line = {"captureData": data, "eventMetadata": event, "eventVersion": "0"}
        return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    def _side(self, mode: str, content_type: str, body: bytes) -> dict[str, Any]:
        bare = content_type.partition(";")[0].strip().lower()
        # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html: "If no
        # headers are specified SageMaker AI will by default base64 encode when capturing the data."
        encoding = "CSV" if bare in self._csv else "JSON" if bare in self._json else "BASE64"
        text: str | None = None
        if encoding != "BASE64":
            try:
                text = body.decode()
            except UnicodeDecodeError:
                encoding = "BASE64"
        if text is None:
            text = base64.b64encode(body).decode()
        return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}
