"""The life of a training job, in a thread of its own: download, run, upload, tell how it ended."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.containers.contract import Exit
from mdlc_emulator.engine.sagemaker.data import artifacts
from mdlc_emulator.engine.sagemaker.data.checkpoints import Checkpoints
from mdlc_emulator.engine.sagemaker.data.inputs import DownloadError
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, S3Error
from mdlc_emulator.engine.sagemaker.data.selection import SelectionError
from mdlc_emulator.engine.sagemaker.jobs import reasons
from mdlc_emulator.engine.sagemaker.jobs.abilities import names
from mdlc_emulator.engine.sagemaker.jobs.hosts import Host
from mdlc_emulator.engine.sagemaker.jobs.launch import (
    JobFailedError,
    Station,
    find_program,
    run_hosts,
    time_limit,
)
from mdlc_emulator.engine.sagemaker.jobs.workplace import workplace
from mdlc_emulator.engine.sagemaker.kernel.resource import moment
from mdlc_emulator.engine.sagemaker.kernel.store import STORE
from mdlc_emulator.engine.sagemaker.training import config
from mdlc_emulator.engine.sagemaker.training.channels import bring_channels, read_only
from mdlc_emulator.engine.sagemaker.training.job import TrainingJob
from mdlc_emulator.engine.sagemaker.training.measured import Measured
from mdlc_emulator.images.recipe import Program, Recipe, Use

LOG = logging.getLogger(__name__)
GROUP = "/aws/sagemaker/TrainingJobs"


def start(job: TrainingJob, recipe: Callable[[], Recipe], hosts: Sequence[Host]) -> None:
    """Let the job run; returns at once. `recipe` finds what stands for its image, or raises UnknownImage."""
    life = _Life(job, recipe, hosts)
    threading.Thread(target=life.run, name=f"training-{job.name}", daemon=True).start()


class _Life:
    def __init__(self, job: TrainingJob, recipe: Callable[[], Recipe], hosts: Sequence[Host]) -> None:
        self._job, self._recipe, self._hosts = job, recipe, hosts
        self._objects = Objects(job.caller)
        self._measured = Measured(job)

    def run(self) -> None:
        reason = ""
        try:
            with workplace() as directory:
                self._work(directory)
        except JobFailedError as error:
            reason = str(error)
        except Exception as error:
            LOG.exception("A training job failed by a fault of the emulator.")
            reason = reasons.short(f"InternalServerError: {error}")
        self._finish(reason)

    def _finish(self, reason: str) -> None:
        job = self._job
        ended = clock.now()
        members: dict[str, Any] = {"TrainingEndTime": moment(ended)}
        if (began := job.members.get("TrainingStartTime")) is not None:
            spent = max(1, math.ceil(ended - began.timestamp()))
            members |= {"TrainingTimeInSeconds": spent, "BillableTimeInSeconds": spent}
        if "WarmPoolStatus" in job.members:
            # No machine is kept: the next job starts as fast without one.
            members["WarmPoolStatus"] = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0}
        if found := self._measured.final():
            members["FinalMetricDataList"] = found
        with STORE.lock:  # nobody may stop a job between the look and the end
            early = job.control.early
            if reason:
                final = "Failed"
                members["FailureReason"] = reason
            elif early is not None:
                final = early.value
                self._stopping()
            else:
                final = "Completed"
            job.enter(final, **members)
        job.tell_over()

    def _stopping(self) -> None:
        if self._job.status != "Stopping":
            self._job.enter("Stopping")

    def _work(self, directory: Path) -> None:
        job = self._job
        wanted = job.members["AlgorithmSpecification"]
        entrypoint = wanted.get("ContainerEntrypoint", ())
        # An image that is no algorithm trains when the job says what to start.
        uses = (Use.TRAIN, Use.RUN) if entrypoint else (Use.TRAIN,)
        program = find_program(self._recipe, uses, entrypoint, wanted.get("ContainerArguments", ()))
        if not job.enter("Downloading", TrainingStartTime=moment(clock.now())):
            return
        stations = [Station(host, directory / host.name) for host in self._hosts]
        checkpoints = Checkpoints(
            job.members.get("CheckpointConfig"), self._objects, [station.ml for station in stations]
        )
        with time_limit(job.control, job.members["StoppingCondition"]["MaxRuntimeInSeconds"]):
            self._prepare(stations, checkpoints)
            if job.control.asked() or not job.enter("Training"):
                return
            ended = self._train(stations, program, checkpoints)
        failure = next((each for each in ended if each.code != 0), None)
        stopped = job.control.asked()
        if stopped:
            self._stopping()
        job.enter("Uploading")
        self._upload(stations, directory, completed=failure is None and not stopped)
        if failure is not None and not stopped:
            texts = (reasons.read(station.ml, "output/failure") for station in stations)
            written = next(filter(None, texts), "")
            raise JobFailedError(reasons.of_exit(failure, written))

    def _prepare(self, stations: Sequence[Station], checkpoints: Checkpoints) -> None:
        job = self._job
        for station in stations:
            for part in ("input/config", "input/data", "model", "output/data"):
                (station.ml / part).mkdir(parents=True)
        try:
            bring_channels(self._objects, job.members.get("InputDataConfig", ()), stations, job.control.asked)
            checkpoints.restore()
        except DownloadError as error:
            raise JobFailedError(reasons.client_error(str(error))) from error
        except (S3Error, SelectionError, OSError) as error:
            raise JobFailedError(reasons.client_error(f"Data download failed: {error}")) from error
        known = names(self._hosts)
        for station in stations:
            config.write(station.ml / "input" / "config", job.members, station.host, self._hosts, known)

    def _train(self, stations: Sequence[Station], program: Program, checkpoints: Checkpoints) -> list[Exit]:
        job = self._job
        try:
            with checkpoints.kept():
                return run_hosts(
                    job,
                    stations,
                    program,
                    group=GROUP,
                    variables={"TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.arn}
                    | job.members.get("Environment", {}),
                    isolated=job.members["EnableNetworkIsolation"],
                    mounts=lambda station: [
                        *checkpoints.mounts(station.ml),
                        *read_only(job.members, station),
                    ],
                    reader=self._measured.reader,
                )
        except (S3Error, OSError) as error:
            raise JobFailedError(reasons.client_error(f"Checkpoint upload failed: {error}")) from error

    def _upload(self, stations: Sequence[Station], directory: Path, *, completed: bool) -> None:
        """Artefacts of all hosts. A model is stored even when it is empty if the job has completed, what a
        failed or stopped job leaves when there is something."""
        job = self._job
        output = job.members["OutputDataConfig"]
        where = Place.of(output["S3OutputPath"]).below(job.name, "output")
        compressed = output["CompressionType"] == "GZIP"
        try:
            for name, part, always in (("model", "model", completed), ("output", "output/data", False)):
                merged = artifacts.merged([station.ml for station in stations], part)
                if not always and not any(merged.iterdir()):
                    continue
                stored = artifacts.store(
                    self._objects, merged, where, name, compressed=compressed, work=directory
                )
                if name == "model":
                    job.members = job.members | {"ModelArtifacts": {"S3ModelArtifacts": str(stored)}}
        except (S3Error, OSError) as error:
            raise JobFailedError(reasons.client_error(f"Artifact upload failed: {error}")) from error
