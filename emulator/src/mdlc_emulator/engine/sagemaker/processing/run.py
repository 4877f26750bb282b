"""The life of a processing job, in a thread of its own: inputs, container, outputs, how it ended."""

from __future__ import annotations

import logging
import posixpath
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.containers.contract import Exit
from mdlc_emulator.engine.sagemaker.data.inputs import DownloadError, bring, select
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, S3Error
from mdlc_emulator.engine.sagemaker.data.selection import shard
from mdlc_emulator.engine.sagemaker.data.upload import Mirror
from mdlc_emulator.engine.sagemaker.jobs import reasons
from mdlc_emulator.engine.sagemaker.jobs.abilities import names
from mdlc_emulator.engine.sagemaker.jobs.control import Early
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
from mdlc_emulator.engine.sagemaker.processing import config
from mdlc_emulator.engine.sagemaker.processing.checks import instances, outputs_of
from mdlc_emulator.engine.sagemaker.processing.job import ProcessingJob
from mdlc_emulator.images.recipe import Program, Recipe, Use

LOG = logging.getLogger(__name__)
GROUP = "/aws/sagemaker/ProcessingJobs"
DAY = 86400
"""Seconds that a job runs at most when it does not say:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingStoppingCondition.html"""


def start(job: ProcessingJob) -> None:
    """Let the job run; returns at once."""
    life = _Life(job)
    threading.Thread(target=life.run, name=f"processing-{job.name}", daemon=True).start()


class _Life:
    def __init__(self, job: ProcessingJob) -> None:
        self._job = job
        self._objects = Objects(job.caller)
        kind, count = instances(job.members)
        self._hosts = [Host(number, kind) for number in range(count)]

    def run(self) -> None:
        reason, said = "", ""
        try:
            with workplace() as directory:
                stations = [Station(host, directory / host.name) for host in self._hosts]
                try:
                    self._work(stations)
                finally:
                    said = _message(stations)
        except JobFailedError as error:
            reason = str(error)
        except Exception as error:
            LOG.exception("A processing job failed by a fault of the emulator.")
            reason = reasons.short(f"InternalServerError: {error}")
        self._finish(reason, said)

    def _finish(self, reason: str, said: str) -> None:
        job = self._job
        members: dict[str, Any] = {"ProcessingEndTime": moment(clock.now())}
        if said:
            members["ExitMessage"] = reasons.short(said)
        with STORE.lock:  # nobody may stop a job between the look and the end
            early = job.control.early
            if early is not None and job.status != "Stopping":
                job.change(ProcessingJobStatus="Stopping")
            final = "Completed" if early is None else "Stopped"
            if reason:
                final = "Failed"
                members["FailureReason"] = reason
            job.change(ProcessingJobStatus=final, **members)
        job.tell_over()

    def _work(self, stations: Sequence[Station]) -> None:
        job = self._job
        specification = job.members["AppSpecification"]

        def find() -> Recipe:
            from mdlc_emulator.images.resolve import resolve

            return resolve(specification["ImageUri"])

        entrypoint = specification.get("ContainerEntrypoint", ())
        program = find_program(find, (Use.RUN,), entrypoint, specification.get("ContainerArguments", ()))
        if job.control.asked():
            return
        job.change(ProcessingStartTime=moment(clock.now()))
        limit = job.members.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DAY)
        with time_limit(job.control, limit):
            self._prepare(stations)
            if job.control.asked():
                return
            ended = self._process(stations, program)
        if job.control.early is Early.RUNTIME:
            return
        failure = next((each for each in ended if each.code != 0), None)
        if failure is not None and not job.control.asked():
            raise JobFailedError(reasons.of_exit(failure, _message(stations), "job"))

    def _prepare(self, stations: Sequence[Station]) -> None:
        job, known = self._job, names(self._hosts)
        for station in stations:
            (station.ml / "processing").mkdir(parents=True)
            (station.ml / "output").mkdir()
            for each in outputs_of(job.members):
                if not each.get("AppManaged"):
                    _inside(station, each["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
            config.write(station.ml / "config", job.name, job.arn, job.members, station.host, known)
        try:
            for each in job.members.get("ProcessingInputs", ()):
                if not each.get("AppManaged"):
                    self._bring(each["S3Input"], stations)
        except DownloadError as error:
            raise JobFailedError(reasons.client_error(str(error))) from error
        except (S3Error, OSError) as error:
            raise JobFailedError(reasons.client_error(f"Data download failed: {error}")) from error

    def _bring(self, source: dict[str, Any], stations: Sequence[Station]) -> None:
        chosen = select(self._objects, source["S3Uri"], source["S3DataType"])
        unzip = source.get("S3CompressionType") == "Gzip"
        sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
        for number, station in enumerate(stations):
            into = _inside(station, source["LocalPath"])
            into.mkdir(parents=True, exist_ok=True)
            part = shard(chosen, number, len(stations)) if sharded else chosen
            bring(self._objects, part, into, unzip=unzip, stopped=self._job.control.asked)

    def _process(self, stations: Sequence[Station], program: Program) -> list[Exit]:
        """Run the containers, uploading continuous outputs the while; the others when all has gone well."""
        job = self._job
        network = job.members.get("NetworkConfig", {})
        outputs = [
            (each["S3Output"]["S3UploadMode"], self._mirror(each["S3Output"], stations))
            for each in outputs_of(job.members)
            if not each.get("AppManaged")
        ]
        try:
            with ExitStack() as stack:
                for mode, mirror in outputs:
                    if mode == "Continuous":
                        stack.enter_context(mirror.kept())
                ended = run_hosts(
                    job,
                    stations,
                    program,
                    group=GROUP,
                    variables={"PROCESSING_JOB_NAME": job.name, "PROCESSING_JOB_ARN": job.arn}
                    | job.members.get("Environment", {}),
                    isolated=network.get("EnableNetworkIsolation", False),
                )
            if not job.control.asked() and all(each.code == 0 for each in ended):
                for mode, mirror in outputs:
                    if mode == "EndOfJob":
                        mirror.upload(settled=True)
        except (S3Error, OSError) as error:
            raise JobFailedError(reasons.client_error(f"Output upload failed: {error}")) from error
        return ended

    def _mirror(self, output: Mapping[str, Any], stations: Sequence[Station]) -> Mirror:
        directories = [(_inside(station, output["LocalPath"]), station.ml) for station in stations]
        return Mirror(self._objects, directories, Place.of(output["S3Uri"]))


def _inside(station: Station, path: str) -> Path:
    """Where a path below /opt/ml of a host is on this machine."""
    return station.ml / posixpath.relpath(posixpath.normpath(path), "/opt/ml")


def _message(stations: Sequence[Station]) -> str:
    """What the container wrote to /opt/ml/output/message."""
    texts = (reasons.read(station.ml, "output/message") for station in stations)
    return next(filter(None, texts), "")
