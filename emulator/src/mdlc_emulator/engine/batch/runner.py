"""One attempt of a job: secrets, image, log stream, container, and what its end means. Pure.

The texts of `reason` and `statusReason` are ECS's, see
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html and
https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from mdlc_emulator.engine.batch.container_spec import build
from mdlc_emulator.engine.batch.dispatch import EXITED, STOP_SECONDS, Dispatcher
from mdlc_emulator.engine.batch.model import Attempt, Job, Store
from mdlc_emulator.engine.batch.ports import LogStream, StartError, World
from mdlc_emulator.engine.batch.retrying import Ended
from mdlc_emulator.engine.containers.contract import ContainerError, Containers, Ending, Exit

LOG = logging.getLogger(__name__)

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
NOT_STARTED = "Task failed to start"


class Runner:
    """Starts attempts in the calling thread and reports to the dispatcher."""

    def __init__(
        self, store: Store, dispatcher: Dispatcher, world: World, containers: Callable[[], Containers]
    ) -> None:
        self._store, self._dispatcher, self._world = store, dispatcher, world
        self._containers = containers

    def start(self, job: Job, attempt: Attempt) -> None:
        volumes = Path(tempfile.mkdtemp(prefix="batch-"))
        stream: LogStream | None = None
        try:
            if job.terminate_reason is not None:
                raise StartError(NOT_STARTED)
            container = job.container
            image = self._world.image(container["image"])
            secrets = {
                each["name"]: self._world.secret(job.caller, each["valueFrom"])
                for each in container.get("secrets") or ()
            }
            surroundings = self._world.surroundings(job.caller, container.get("jobRoleArn"))
            options = (container.get("logConfiguration") or {}).get("options") or {}
            spec = build(job, image, secrets, surroundings, volumes)
            containers = self._containers()
            if spec.read_only_root:
                _require_namespaces(*containers.isolation())
            stream = self._world.log_stream(job.caller, options, attempt.stream)
            started = containers.start(spec, stream.line)
        except (StartError, ContainerError) as error:
            _clean(volumes, stream)
            self._dispatcher.ended(job, attempt, _not_started(error))
            return
        except Exception as error:  # whatever went wrong, the job must not hang
            LOG.exception("Job %s could not be started.", job.id)
            _clean(volumes, stream)
            self._dispatcher.ended(job, attempt, Ended(NOT_STARTED, f"CannotStartContainerError: {error}"))
            return
        opened = stream
        with self._store.lock:
            attempt.container = started
            self._dispatcher.started(job, attempt)
            if job.terminate_reason is not None:
                started.stop(STOP_SECONDS)

        def over(end: Exit) -> None:
            _clean(volumes, opened)
            self._dispatcher.ended(job, attempt, _meaning(end))

        started.when_over(over)


def _require_namespaces(isolation: str, reason: str) -> None:
    """A read-only root is a promise: without a place of its own, the job could write to the machine's."""
    if isolation != "namespaces":
        raise StartError(
            f"CannotStartContainerError: readonlyRootFilesystem cannot be kept on this machine ({reason}): "
            "leave it out, or see `mdlc doctor`."
        )


def _not_started(error: Exception) -> Ended:
    if isinstance(error, StartError):
        return Ended(error.status_reason, error.reason)
    return Ended(NOT_STARTED, f"CannotStartContainerError: {error}")


def _meaning(end: Exit) -> Ended:
    if end.ending is Ending.OUT_OF_MEMORY:
        return Ended(EXITED, OUT_OF_MEMORY, end.code)
    return Ended(EXITED, None, end.code)


def _clean(volumes: Path, stream: LogStream | None) -> None:
    if stream is not None:
        stream.close()
    shutil.rmtree(volumes, ignore_errors=True)
