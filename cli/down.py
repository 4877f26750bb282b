"""`mdlc down`: end emulators."""

import time

import click
from mdlc_emulator.launcher import Instance
from mdlc_emulator.launcher import template as templates

from cli.exits import Exit
from cli.output import json_option, progress, say_json
from cli.target import background, chosen, port_option, told


@click.command()
@port_option
@click.option("--all", "everything", is_flag=True, help="All that `mdlc up` started, and the template.")
@json_option
def down(port: int | None, everything: bool, as_json: bool) -> int:
    """End an emulator: its processes, its port and its files are gone when this returns.

    Emulators of test sessions end with those; `--all` leaves them alone.
    """
    found: list[Instance] = background() if everything else [chosen(port)]
    ended = []
    with progress("Ending", quiet=as_json) as say:
        for instance in found:
            say(f"Ending the emulator on port {instance.port}")
            started = time.monotonic()
            with told():
                instance.stop()
            ended.append({"port": instance.port, "seconds": round(time.monotonic() - started, 3)})
    template = templates.current() if everything else None
    if template is not None:
        template.stop()
    if as_json:
        say_json({"ended": ended, "template": template is not None})
        return Exit.OK
    for one in ended:
        click.echo(f"The emulator on port {one['port']} has ended ({one['seconds']:.2f} s).")
    if template is not None:
        click.echo("The template process has ended.")
    if not ended and template is None:
        click.echo("No emulator was running.")
    return Exit.OK
