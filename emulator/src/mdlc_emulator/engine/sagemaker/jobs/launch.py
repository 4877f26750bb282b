"""From an image and a command to containers that run: the steps that every kind of job takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mdlc_emulator.engine import clock
from mdlc_emulator.engine.containers.contract import ContainerError, ContainerSpec, Exit, Mount, Network
from mdlc_emulator.engine.containers.logs import LogWriter
from mdlc_emulator.engine.sagemaker.jobs import reasons
from mdlc_emulator.engine.sagemaker.jobs.control import Control, Early
from mdlc_emulator.engine.sagemaker.jobs.hosts import Host, Running
from mdlc_emulator.engine.sagemaker.jobs.job import Job
from mdlc_emulator.engine.sagemaker.jobs.surroundings import environment
from mdlc_emulator.images.recipe import Program, Recipe, UnknownImage, Use


class JobFailedError(Exception):
    """The job has failed. The message is its FailureReason."""


@dataclass(frozen=True, slots=True)
class Station:
    """One host of a job, and the directory of this machine that becomes its /opt/ml."""

    host: Host
    ml: Path


def find_program(
    find: Callable[[], Recipe], uses: Sequence[Use], entrypoint: Sequence[str], arguments: Sequence[str]
) -> Program:
    """What to start for an image: its program for the first of `uses` that it has, with the request's entry
    point and arguments. Installs what it needs. JobFailedError."""
    from mdlc_emulator.environments.installed import SetupError
    from mdlc_emulator.images.resolve import prepare

    try:
        recipe = find()
        use = next((use for use in uses if use in recipe.programs), uses[0])
        program = recipe.started(use, entrypoint, arguments)
        prepare(recipe)
    except (UnknownImage, SetupError) as error:
        raise JobFailedError(reasons.client_error(str(error))) from error
    return program


@contextmanager
def time_limit(control: Control, seconds: float) -> Iterator[None]:
    """Inside, the job is ended once `seconds` have passed."""

    def end() -> None:
        control.end(Early.RUNTIME)

    timer = clock.call_at(clock.now() + seconds, end)
    try:
        yield
    finally:
        timer.cancel()


def run_hosts(
    job: Job,
    stations: Sequence[Station],
    program: Program,
    *,
    group: str,
    variables: Mapping[str, str],
    isolated: bool,
    mounts: Callable[[Station], Sequence[Mount]] = lambda station: (),
    reader: Callable[[Callable[[str], None]], Callable[[str], None]] = lambda write: write,
) -> list[Exit]:
    """Run the program on all hosts until all have ended; how they did, with their logs stored.

    `group` is the log group, `variables` what the containers find in their environment besides the image's;
    `reader` wraps what takes each line of a host. JobFailedError when a container cannot be started.
    """
    from mdlc_emulator.engine.containers.host import containers

    hosts = {station.host.name: station.host.address for station in stations}
    running = Running(containers())
    writers: list[LogWriter] = []
    began = int(clock.now())
    try:
        for station in stations:
            stream = f"{job.name}/{station.host.name}-{began}"
            writer = LogWriter(job.caller.account, job.caller.region, group, stream)
            writers.append(writer)
            spec = ContainerSpec(
                name=f"{job.name}-{station.host.name}",
                command=program.command,
                environment=environment(job.caller, program, variables),
                ml=station.ml,
                mounts=[*(Mount(source, target) for source, target in program.mounts), *mounts(station)],
                working_directory=program.working_directory,
                host_name=station.host.name,
                hosts=hosts,
                network=Network.ISOLATED if isolated else Network.HOST,
            )
            running.start(spec, reader(writer))
        job.control.attach(running)
        return running.wait()
    except ContainerError as error:
        running.stop(0.0)
        raise JobFailedError(reasons.client_error(str(error))) from error
    finally:
        for writer in writers:
            writer.close()
