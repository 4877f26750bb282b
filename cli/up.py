"""`mdlc up`: start an emulator in the background."""

import time

import click
from mdlc_emulator.launcher import start

from cli.exits import Exit
from cli.output import json_option, progress, say_json
from cli.target import DEFAULT_PORT, told


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_PORT,
    envvar="MDLC_PORT",
    show_default=True,
    show_envvar=True,
    help="Where it listens, on the loopback interface.",
)
@click.option("--strict", is_flag=True, help="Answer calls that are not really executed with an error.")
@click.option(
    "--template/--no-template",
    default=None,
    help="Keep a process with everything imported, from which the next start is forked.",
)
@click.option(
    "--timeout", type=float, default=60.0, show_default=True, help="Seconds until it must be ready."
)
@json_option
def up(port: int, strict: bool, template: bool | None, timeout: float, as_json: bool) -> int:
    """Start an emulator in the background and print how to use it."""
    started = time.monotonic()
    settings = {"MDLC_STRICT": "1"} if strict else {}
    with told(), progress("Starting the emulator", quiet=as_json) as say:
        instance = start(port, timeout, settings=settings, background=True, template=template, progress=say)
    seconds = time.monotonic() - started
    if as_json:
        say_json(
            {
                "endpoint_url": instance.endpoint_url,
                "port": instance.port,
                "pid": instance.supervisor_pid,
                "log": instance.log,
                "strict": strict,
                "seconds": round(seconds, 3),
            }
        )
        return Exit.OK
    chosen = "" if port == DEFAULT_PORT else f" --port {port}"
    click.echo(f"{instance.endpoint_url} is ready after {seconds:.2f} s" + (", strict." if strict else "."))
    click.echo(f'  aim AWS clients at it:  eval "$(mdlc env{chosen})"')
    click.echo(f"  look at its log:        mdlc logs{chosen} -f")
    click.echo(f"  end it:                 mdlc down{chosen}")
    return Exit.OK
