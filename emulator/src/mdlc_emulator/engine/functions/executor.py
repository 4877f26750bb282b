"""LocalStack's RuntimeExecutor: an execution environment of processes on this machine."""

from __future__ import annotations

import json
import logging
import resource
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, ClassVar, cast

from localstack.services.lambda_.invocation.executor_endpoint import (
    ShutdownDuringStartup,
    StatusErrorException,
)
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from mdlc_emulator.engine.functions.environment import RESPONSE_LIMIT, Environment, Outcome
from mdlc_emulator.engine.functions.hot_reload import fingerprint
from mdlc_emulator.engine.functions.launch import Launch
from mdlc_emulator.engine.functions.reports import Fault, JsonLines, TextLines, Usage
from mdlc_emulator.engine.functions.runtime_process import RuntimeProcess
from mdlc_emulator.engine.functions.runtime_server import Event, Poller
from mdlc_emulator.engine.functions.versions import VERSIONS
from mdlc_emulator.engine.functions.zygotes import ZYGOTES, ZygoteError

LOG = logging.getLogger(__name__)
INIT_SECONDS = 10.0
MIB = 1 << 20
MANY_FILES = 65_536


class ProcessRuntimeExecutor(RuntimeExecutor):
    """One environment of one function version."""

    _live: ClassVar[set[ProcessRuntimeExecutor]] = set()
    _live_lock = threading.Lock()

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002 - LocalStack's name
        super().__init__(id, function_version)
        self._memory_mb = int(function_version.config.memory_size)
        self._lines = TextLines()
        self._given: dict[str, object] = {}
        self._environment: Environment | None = None
        self._first_log = ""
        self._init_ms: float | None = None
        self._scratch: Path | None = None
        self._code_seen: int | None = None

    # The boundary with LocalStack

    def start(self, env_vars: dict[str, str]) -> None:
        """Run the init phase. A failed init is run again by the first invocation, as on Lambda, and reported
        by it; with provisioned concurrency, where no invocation waits, it is a StatusErrorException."""
        self._given = dict(env_vars)
        kind = env_vars.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        logging_config = cast(dict[str, Any], self.function_version.config.logging_config or {})
        self._lines = _lines(logging_config, kind)
        self._environment = Environment(self._spawn, self._memory_mb * MIB)
        with self._live_lock:
            self._live.add(self)
        self._reload_if_changed(self._environment)
        outcome = self._environment.start(INIT_SECONDS)
        written = _whole_lines(self._environment.take_log())
        self._first_log = self._init_start_line() + self._extensions() + written
        if outcome.kind == "ready":
            self._init_ms = outcome.seconds * 1000
            return
        if outcome.kind == "stopped":
            raise _stopped("started")
        if outcome.kind == "refused":
            raise ZygoteError(outcome.reason)
        error_type, payload = self._failure(outcome, "")
        fault = Fault("timeout" if outcome.kind == "timeout" else "error", error_type)
        self._first_log += self._lines.init_report(outcome.seconds * 1000, "init", fault)
        if kind == "provisioned-concurrency":
            error = StatusErrorException("The init phase failed.", payload=payload)
            error.logs = self._first_log  # type: ignore[attr-defined]
            raise error

    def invoke(self, payload: dict[str, Any]) -> InvocationResult:
        """Run one invocation; whatever goes wrong in the function is a result, not an exception."""
        environment = self._environment
        assert environment is not None
        self._reload_if_changed(environment)
        request_id = payload["invoke-id"]
        timeout = float(self.function_version.config.timeout)
        outcome = environment.invoke(_event(payload, timeout), timeout)
        if outcome.kind == "stopped":
            raise _stopped("ran")
        if outcome.kind == "refused":
            raise ZygoteError(outcome.reason)
        return self._result(environment, request_id, outcome)

    def stop(self) -> None:
        """End all processes and remove what they left. Interrupts what runs."""
        with self._live_lock:
            self._live.discard(self)
        if self._environment is not None:
            self._environment.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def get_logs(self) -> str:
        """What was written outside of invocations."""
        return self._environment.take_log() if self._environment is not None else ""

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        VERSIONS.prepare(function_version)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        VERSIONS.clean_up(function_version)

    @classmethod
    def validate_environment(cls) -> bool:
        return True

    @staticmethod
    def allow_many_environments() -> None:
        """Let this process open what the system lets it: an environment takes seven descriptors."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(MANY_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    @classmethod
    def stop_all(cls) -> None:
        """End every environment and every zygote: with the zygotes the kernel ends all environments."""
        with cls._live_lock:
            live = list(cls._live)
        for executor in live:
            if executor._environment is not None:
                executor._environment.interrupt()
        ZYGOTES.stop()

    # Inside

    def _spawn(self, poller: Poller, address: str) -> RuntimeProcess:
        plan = Launch(self.function_version, VERSIONS.get(self.function_version), self._given)
        if not plan.sandboxed and self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="lambda-tmp-"))
        return RuntimeProcess(poller, plan.zygote, plan.request(address, self._scratch))

    def _extensions(self) -> str:
        """A line for each extension that a layer brings: none is started."""
        directory = VERSIONS.get(self.function_version).layers / "extensions"
        if not directory.is_dir():
            return ""
        names = sorted(path.name for path in directory.iterdir() if path.is_file())
        return "".join(
            f"EXTENSION\tName: {name}\tState: NotStarted (this emulator runs no extensions)\n"
            for name in names
        )

    def _reload_if_changed(self, environment: Environment) -> None:
        prepared = VERSIONS.get(self.function_version)
        if prepared.hot:
            now = fingerprint(prepared.code)
            if self._code_seen is not None and now != self._code_seen:
                environment.discard()
            self._code_seen = now

    def _init_start_line(self) -> str:
        configuration = self.function_version.config
        runtime = str(configuration.runtime)
        family, _, number = runtime.partition("3") if runtime.startswith("python") else (runtime, "", "")
        name = f"{family}:3{number}.v0" if number else f"{runtime.replace('.', ':', 1)}.v0"
        arn = (configuration.runtime_version_config or {}).get("RuntimeVersionArn") or ""
        return self._lines.init_start(name, arn)

    def _result(self, environment: Environment, request_id: str, outcome: Outcome) -> InvocationResult:
        lines = self._lines
        log = [self._first_log]
        self._first_log = ""
        init_ms, self._init_ms = self._init_ms, None
        written = _whole_lines(environment.take_log())
        fault: Fault | None = None
        is_error = True
        if outcome.kind == "answer" and outcome.answer is not None and outcome.answer.size <= RESPONSE_LIMIT:
            payload, is_error = outcome.answer.body, outcome.answer.is_error
            log += [lines.start(request_id, self.function_version.id.qualifier), written]
        else:
            error_type, payload = self._failure(outcome, request_id)
            fault = Fault("timeout" if outcome.kind == "timeout" else "error", error_type)
            if outcome.in_init:
                log += [written, lines.init_report(outcome.seconds * 1000, "invoke", fault)]
                written = ""
            log += [lines.start(request_id, self.function_version.id.qualifier), written]
            if outcome.kind in ("timeout", "exit", "out_of_memory", "entrypoint"):
                said = json.loads(payload)
                message = said["errorMessage"].partition("Error: ")[2]
                log.append(lines.fault(request_id, message, said["errorType"]))
        peak = environment.peak
        limit = self._memory_mb * MIB
        usage = Usage(
            duration_ms=outcome.seconds * 1000,
            memory_mb=self._memory_mb,
            peak_mb=-(-min(peak, limit) // MIB),
            init_ms=init_ms,
        )
        log.append(lines.end(request_id, usage, fault))
        result = InvocationResult(request_id, payload, is_error=is_error, logs="".join(log))
        result.duration_ms = usage.duration_ms  # type: ignore[attr-defined]
        return result

    def _failure(self, outcome: Outcome, request_id: str) -> tuple[str, bytes]:
        """Lambda's error type and payload for an invocation that the runtime did not answer."""
        if outcome.answer is not None and outcome.kind == "init_error":
            return outcome.answer.error_type or "Unhandled", outcome.answer.body
        if outcome.answer is not None:
            size = outcome.answer.size
            text = (
                f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
                f"({RESPONSE_LIMIT} bytes)."
            )
            kind = "Function.ResponseSizeTooLarge"
            return kind, _error(kind, text)
        if outcome.kind == "timeout":
            seconds = self.function_version.config.timeout
            kind, message = "Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds"
        elif outcome.kind == "entrypoint":
            kind, message = "Runtime.InvalidEntrypoint", outcome.reason
        elif outcome.kind == "out_of_memory":
            # What the caller is told, and the log; the report alone names the cause.
            return "Runtime.OutOfMemory", _error(
                "Runtime.ExitError",
                f"RequestId: {request_id} Error: Runtime exited with error: signal: killed",
            )
        else:
            kind, message = "Runtime.ExitError", f"Runtime exited {_how(outcome.status)}"
        return kind, _error(kind, f"RequestId: {request_id} Error: {message}")


def _stopped(doing: str) -> Exception:
    error: Exception = ShutdownDuringStartup(f"The environment was stopped while it {doing}.")  # type: ignore[no-untyped-call]
    return error


def _lines(logging_config: dict[str, Any], initialization: str) -> TextLines:
    if logging_config.get("LogFormat") == "JSON":
        return JsonLines(logging_config.get("SystemLogLevel") or "INFO", initialization)
    return TextLines()


def _whole_lines(text: str) -> str:
    """`text` so that the platform's next line begins on a line of its own."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}, separators=(",", ":")).encode()


def _how(status: int) -> str:
    if status == 0:
        return "without providing a reason"
    if status > 0:
        return f"with error: exit status {status}"
    words: dict[int, str] = {
        signal.SIGKILL: "killed",
        signal.SIGSEGV: "segmentation fault",
        signal.SIGABRT: "aborted",
        signal.SIGTERM: "terminated",
        signal.SIGBUS: "bus error",
        signal.SIGFPE: "floating point exception",
        signal.SIGILL: "illegal instruction",
        signal.SIGINT: "interrupt",
        signal.SIGHUP: "hangup",
        signal.SIGPIPE: "broken pipe",
        signal.SIGALRM: "alarm clock",
    }
    return f"with error: signal: {words.get(-status, f'signal {-status}')}"


def _event(payload: dict[str, Any], timeout: float) -> Event:
    body = payload["payload"]
    headers = [
        ("Lambda-Runtime-Aws-Request-Id", payload["invoke-id"]),
        ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + timeout) * 1000))),
        ("Lambda-Runtime-Invoked-Function-Arn", payload["invoked-function-arn"]),
        ("Lambda-Runtime-Trace-Id", payload.get("trace-id")),
        ("Lambda-Runtime-Client-Context", _one_line(payload.get("client-context"))),
        ("Lambda-Runtime-Cognito-Identity", _one_line(payload.get("cognito-identity"))),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers if value)
    return Event(payload["invoke-id"], body.encode() if isinstance(body, str) else body, head)


def _one_line(text: str | None) -> str | None:
    """JSON fit for a header: without line breaks."""
    return json.dumps(json.loads(text)) if text else None
