"""The lines that Lambda itself writes into a function's log: text, or JSON where configured."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass


def stamp() -> str:
    """Now, as Lambda writes it: 2024-03-07T12:00:00.123Z."""
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"


@dataclass(frozen=True)
class Fault:
    """Why a phase failed: `status` is Lambda's "error" or "timeout", `error_type` the type it reports."""

    status: str
    error_type: str = ""


@dataclass(frozen=True)
class Usage:
    """What an invocation took: milliseconds and MiB. `init_ms` only when init came before this invocation."""

    duration_ms: float
    memory_mb: int
    peak_mb: int
    init_ms: float | None = None

    @property
    def billed_ms(self) -> int:
        """Whole milliseconds, init included."""
        return math.ceil(self.duration_ms + (self.init_ms or 0.0))


class TextLines:
    """Lambda's classic log lines."""

    def init_start(self, runtime_version: str, runtime_arn: str) -> str:
        return f"INIT_START Runtime Version: {runtime_version}\tRuntime Version ARN: {runtime_arn}\n"

    def init_report(self, duration_ms: float, phase: str, fault: Fault) -> str:
        line = f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}\tStatus: {fault.status}"
        return line + (f"\tError Type: {fault.error_type}\n" if fault.error_type else "\n")

    def start(self, request_id: str, version: str) -> str:
        return f"START RequestId: {request_id} Version: {version}\n"

    def fault(self, request_id: str, message: str, error_type: str) -> str:
        if error_type == "Sandbox.Timedout":
            return f"{stamp()} {request_id} {message}\n\n"
        return f"RequestId: {request_id} Error: {message}\n{error_type}\n"

    def end(self, request_id: str, usage: Usage, fault: Fault | None) -> str:
        line = (
            f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\t"
            f"Duration: {usage.duration_ms:.2f} ms\tBilled Duration: {usage.billed_ms} ms\t"
            f"Memory Size: {usage.memory_mb} MB\t"
            f"Max Memory Used: {usage.peak_mb} MB\t"
        )
        if usage.init_ms is not None:
            line += f"Init Duration: {usage.init_ms:.2f} ms\t"
        if fault is not None:
            line += f"Status: {fault.status}"
            if fault.error_type and fault.status != "timeout":
                line += f"\tError Type: {fault.error_type}"
        return line + "\n"


class JsonLines(TextLines):
    """The same events as JSON objects, one a line. `level` is the system log level: INFO shows all of them,
    WARN only failures, DEBUG no more than INFO. `initialization` as in AWS_LAMBDA_INITIALIZATION_TYPE."""

    def __init__(self, level: str = "INFO", initialization: str = "on-demand") -> None:
        self._initialization = initialization
        self._all = level.upper() in ("INFO", "DEBUG")

    def _line(self, kind: str, record: dict[str, object], failed: bool = False) -> str:
        if not (self._all or failed):
            return ""
        return json.dumps({"time": stamp(), "type": kind, "record": record}, separators=(",", ":")) + "\n"

    def init_start(self, runtime_version: str, runtime_arn: str) -> str:
        return self._line(
            "platform.initStart",
            {
                "initializationType": self._initialization,
                "phase": "init",
                "runtimeVersion": runtime_version,
                "runtimeVersionArn": runtime_arn,
            },
        )

    def init_report(self, duration_ms: float, phase: str, fault: Fault) -> str:
        record: dict[str, object] = {
            "initializationType": self._initialization,
            "phase": phase,
            "status": fault.status,
            "metrics": {"durationMs": round(duration_ms, 3)},
        }
        if fault.error_type:
            record["errorType"] = fault.error_type
        return self._line("platform.initReport", record, failed=True)

    def start(self, request_id: str, version: str) -> str:
        return self._line("platform.start", {"requestId": request_id, "version": version})

    def fault(self, request_id: str, message: str, error_type: str) -> str:
        return self._line(
            "platform.runtimeDone",
            {"requestId": request_id, "status": "error", "errorType": error_type, "message": message},
            failed=True,
        )

    def end(self, request_id: str, usage: Usage, fault: Fault | None) -> str:
        metrics: dict[str, object] = {
            "durationMs": round(usage.duration_ms, 3),
            "billedDurationMs": usage.billed_ms,
            "memorySizeMB": usage.memory_mb,
            "maxMemoryUsedMB": usage.peak_mb,
        }
        if usage.init_ms is not None:
            metrics["initDurationMs"] = round(usage.init_ms, 3)
        record: dict[str, object] = {
            "requestId": request_id,
            "metrics": metrics,
            "status": fault.status if fault else "success",
        }
        if fault is not None and fault.error_type:
            record["errorType"] = fault.error_type
        return self._line("platform.report", record, failed=fault is not None)
