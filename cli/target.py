"""Which emulator a verb means, and the launcher's failures as `mdlc`'s."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click
from mdlc_emulator.launcher import (
    EmulatorError,
    EnvironmentMissingError,
    Instance,
    NothingRunningError,
    PortTakenError,
    StartError,
    instances,
    running,
)

from cli.exits import Exit, MdlcError

DEFAULT_PORT = 4566

port_option = click.option(
    "--port",
    type=click.IntRange(1, 65535),
    envvar="MDLC_PORT",
    show_envvar=True,
    help="The emulator's port; where none is named, the one that runs.",
)


@contextmanager
def told() -> Iterator[None]:
    """Turn the launcher's errors into sentences with an exit code."""
    try:
        yield
    except NothingRunningError as error:
        raise MdlcError(str(error), Exit.NOTHING_RUNNING) from None
    except PortTakenError as error:
        raise MdlcError(str(error), Exit.PORT_TAKEN) from None
    except EnvironmentMissingError as error:
        raise MdlcError(str(error), Exit.LACKING) from None
    except StartError as error:
        if error.log_tail:
            click.echo(error.log_tail, err=True)
        raise MdlcError(str(error)) from None
    except EmulatorError as error:
        raise MdlcError(str(error)) from None


def background() -> list[Instance]:
    """What `mdlc up` started; emulators of test sessions belong to those."""
    return [instance for instance in instances() if instance.details.get("kind") == "background"]


def chosen(port: int | None) -> Instance:
    """The emulator on `port`; without one, that on the usual port, else the only one in the background."""
    with told():
        if port is not None:
            return running(port)
        candidates = background()
        usual = [instance for instance in candidates if instance.port == DEFAULT_PORT]
        if usual or len(candidates) == 1:
            return (usual or candidates)[0]
        if not candidates:
            raise NothingRunningError("No emulator is running: start one with `mdlc up`.")
        ports = ", ".join(str(instance.port) for instance in candidates)
        raise MdlcError(f"Emulators are running on ports {ports}: name one with --port.", Exit.USAGE)


def region() -> str:
    """The region that `mdlc env` and our own clients use."""
    return os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
