"""The life of a training job, in a thread of its own: download, run, upload, tell how it ended."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.containers.contract import ContainerError, ContainerSpec, Exit, Mount, Network
from mdlc_emulator.engine.sagemaker.data import artifacts
from mdlc_emulator.engine.sagemaker.data.channels import DownloadError, bring, part_of, select
from mdlc_emulator.engine.sagemaker.data.checkpoints import Checkpoints
from mdlc_emulator.engine.sagemaker.data.s3 import Objects, Place, S3Error
from mdlc_emulator.engine.sagemaker.jobs import logs, reasons
from mdlc_emulator.engine.sagemaker.jobs.control import Early
from mdlc_emulator.engine.sagemaker.jobs.hosts import Host, Running
from mdlc_emulator.engine.sagemaker.jobs.surroundings import environment
from mdlc_emulator.engine.sagemaker.jobs.workplace import workplace
from mdlc_emulator.engine.sagemaker.kernel.resource import moment
from mdlc_emulator.engine.sagemaker.training import config
from mdlc_emulator.engine.sagemaker.training.events import tell
from mdlc_emulator.engine.sagemaker.training.job import TrainingJob
from mdlc_emulator.engine.sagemaker.training.measured import Measured
from mdlc_emulator.images.recipe import Program, Recipe, UnknownImage, Use

LOG = logging.getLogger(__name__)
GROUP = "/aws/sagemaker/TrainingJobs"


class Failed(Exception):
    """The job failed. The message is its FailureReason."""


def start(job: TrainingJob, recipe: Callable[[], Recipe], hosts: Sequence[Host]) -> None:
    """Let the job run; returns at once. `recipe` finds what stands for its image, or raises `UnknownImage`."""
    life = _Life(job, recipe, hosts)
    threading.Thread(target=life.run, name=f"training-{job.name}", daemon=True).start()


class _Life:
    def __init__(self, job: TrainingJob, recipe: Callable[[], Recipe], hosts: Sequence[Host]) -> None:
        self._job, self._recipe, self._hosts = job, recipe, hosts
        self._objects = Objects(job.caller)
        self._measured = Measured(job)
        self._began = clock.now()

    def run(self) -> None:
        job = self._job
        final: str
        reason: dict[str, Any] = {}
        try:
            with workplace() as directory:
                self._work(directory)
            final = "Completed" if job.control.early is None else job.control.early.value
        except Failed as error:
            final, reason = "Failed", {"FailureReason": str(error)}
        except Exception as error:
            LOG.exception("A training job failed by a fault of the emulator.")
            final, reason = "Failed", {"FailureReason": reasons.short(f"InternalServerError: {error}")}
        self._finish(final, reason)

    def _finish(self, final: str, reason: dict[str, Any]) -> None:
        job = self._job
        if job.control.early is not None and job.members["TrainingJobStatus"] != "Stopping":
            self._enter("Stopping")
        if final in ("Failed", "Completed") and job.control.early is not None:
            final, reason = job.control.early.value, {}
        ended = clock.now()
        members: dict[str, Any] = {"TrainingEndTime": moment(ended)} | reason
        if (began := job.members.get("TrainingStartTime")) is not None:
            spent = max(1, math.ceil(ended - began.timestamp()))
            members |= {"TrainingTimeInSeconds": spent, "BillableTimeInSeconds": spent}
        if found := self._measured.final():
            members["FinalMetricDataList"] = found
        self._enter(final, **members)
        job.tell_over()

    def _enter(self, secondary: str, **members: Any) -> None:
        self._job.enter(secondary, **members)
        tell(self._job)

    def _work(self, directory: Path) -> None:
        job = self._job
        program = self._program()
        if job.control.asked():
            return
        self._enter("Downloading", TrainingStartTime=moment(clock.now()))
        limit = self._limit()
        try:
            places = [directory / host.name for host in self._hosts]
            checkpoints = Checkpoints(job.members.get("CheckpointConfig"), self._objects)
            self._download(places, checkpoints)
            if job.control.asked():
                return
            self._enter("Training")
            ended = self._train(places, program, checkpoints)
        finally:
            limit()
        failure = next((each for each in ended if each.code != 0), None)
        if job.control.asked() and job.members["TrainingJobStatus"] != "Stopping":
            self._enter("Stopping")
        self._enter("Uploading")
        self._upload(places, directory, completed=failure is None and not job.control.asked())
        if failure is not None and not job.control.asked():
            written = next(
                (text for place in places if (text := reasons.read(place / "output" / "failure"))), ""
            )
            raise Failed(reasons.of_exit(failure, written))

    def _program(self) -> Program:
        from mdlc_emulator.environments.installed import SetupError
        from mdlc_emulator.images import resolve

        wanted = self._job.members["AlgorithmSpecification"]
        entrypoint = wanted.get("ContainerEntrypoint", ())
        try:
            recipe = self._recipe()
            # An image that is no algorithm can train when the job says what to start.
            use = Use.RUN if entrypoint and Use.TRAIN not in recipe.programs else Use.TRAIN
            program = recipe.started(use, entrypoint, wanted.get("ContainerArguments", ()))
            resolve.prepare(recipe)
        except (UnknownImage, SetupError) as error:
            raise Failed(reasons.client_error(str(error))) from error
        return program

    def _limit(self) -> Callable[[], None]:
        """Set the end of MaxRuntimeInSeconds; what it returns takes it back."""
        condition = self._job.members["StoppingCondition"]
        timer = clock.call_at(
            clock.now() + condition["MaxRuntimeInSeconds"],
            lambda: self._early(Early.RUNTIME),
        )
        return timer.cancel

    def _early(self, why: Early) -> None:
        if self._job.control.end(why):
            LOG.info("Training job %s ends early: %s.", self._job.name, why.value)

    def _download(self, places: list[Path], checkpoints: Checkpoints) -> None:
        job = self._job
        for place in places:
            for part in ("input/data", "model", "output/data"):
                (place / part).mkdir(parents=True)
        try:
            for channel in job.members.get("InputDataConfig", ()):
                source = channel["DataSource"]["S3DataSource"]
                chosen = select(self._objects, source)
                for host, place in zip(self._hosts, places, strict=True):
                    if not _wanted(source, host):
                        continue
                    into = place / "input" / "data" / channel["ChannelName"]
                    into.mkdir()
                    group = [each for each in self._hosts if _wanted(source, each)]
                    part = part_of(chosen, source, "S3DataDistributionType", group.index(host), len(group))
                    unzip = channel.get("CompressionType") == "Gzip"
                    bring(self._objects, part, into, unzip=unzip, stopped=job.control.asked)
            for place in places:
                checkpoints.restore(place)
        except DownloadError as error:
            raise Failed(reasons.client_error(str(error))) from error
        except S3Error as error:
            raise Failed(reasons.client_error(f"Data download failed: {error}")) from error
        for host, place in zip(self._hosts, places, strict=True):
            config.write(place / "input" / "config", job.members, host, self._hosts)

    def _train(self, places: list[Path], program: Program, checkpoints: Checkpoints) -> list[Exit]:
        from mdlc_emulator.engine.containers.host import containers

        running = Running(containers())
        try:
            for host, place in zip(self._hosts, places, strict=True):
                write = logs.writer(self._job.caller, GROUP, self._job.name, host.name)
                running.start(self._spec(host, place, program, checkpoints), self._measured.reader(write))
        except ContainerError as error:
            running.stop(0.0)
            raise Failed(reasons.client_error(str(error))) from error
        self._job.control.attach(running)
        with checkpoints.kept(places):
            return running.wait()

    def _spec(self, host: Host, place: Path, program: Program, checkpoints: Checkpoints) -> ContainerSpec:
        job = self._job
        own = {"TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.arn}
        isolated = job.members["EnableNetworkIsolation"]
        return ContainerSpec(
            name=f"{job.name}-{host.name}",
            command=program.command,
            environment=environment(job.caller, program, own | job.members.get("Environment", {})),
            ml=place,
            mounts=[
                *(Mount(source, target) for source, target in program.mounts),
                *checkpoints.mounts(place),
            ],
            working_directory=program.working_directory,
            host_name=host.name,
            network=Network.ISOLATED if isolated else Network.HOST,
        )

    def _upload(self, places: list[Path], directory: Path, *, completed: bool) -> None:
        """Artefacts of all hosts; those of several are laid over each other, as they share one prefix."""
        job = self._job
        output = job.members["OutputDataConfig"]
        where = Place.of(output["S3OutputPath"]).below(job.name, "output")
        compressed = output.get("CompressionType", "GZIP") != "NONE"
        try:
            for name, part, always in (("model", "model", completed), ("output", "output/data", False)):
                merged = artifacts.merged([place / part for place in places])
                if not always and not any(merged.iterdir()):
                    continue
                stored = artifacts.store(
                    self._objects, merged, where, name, compressed=compressed, work=directory
                )
                if name == "model":
                    job.members = job.members | {"ModelArtifacts": {"S3ModelArtifacts": str(stored)}}
        except (S3Error, OSError) as error:
            raise Failed(reasons.client_error(f"Artifact upload failed: {error}")) from error


def _wanted(source: dict[str, Any], host: Host) -> bool:
    """Whether a channel goes to this host: all do, unless it names instance groups."""
    groups = source.get("InstanceGroupNames")
    return not groups or host.group in groups
