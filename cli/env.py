"""`mdlc env`: the variables that aim every AWS client at the emulator, as lines for a shell."""

import os
import shlex
from pathlib import PurePath

import click

from cli.exits import Exit
from cli.output import json_option, say_json
from cli.target import chosen, port_option

NAMES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")


def variables(endpoint_url: str, region: str, account: str) -> dict[str, str]:
    """What every AWS SDK reads. The emulator takes the access key, when it is one of 12 digits, as the
    account."""
    return dict(zip(NAMES, (endpoint_url, account, "test", region), strict=True))


def _line(shell: str, name: str, value: str | None) -> str:
    if shell == "fish":
        return f"set -e {name};" if value is None else f"set -gx {name} {shlex.quote(value)};"
    return f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}"


@click.command()
@port_option
@click.option("--unset", is_flag=True, help="Lines that take the variables away again.")
@click.option("--shell", type=click.Choice(["sh", "fish"]), help="Whose syntax; by default that of $SHELL.")
@click.option("--region", default="us-east-1", show_default=True, help="The default region.")
@click.option("--account", default="000000000000", show_default=True, help="The account, 12 digits.")
@json_option
def env(port: int | None, unset: bool, shell: str | None, region: str, account: str, as_json: bool) -> int:
    """Print lines for the shell that aim every AWS client at the emulator.

    Use it as `eval "$(mdlc env)"`, in fish as `mdlc env | source`.
    """
    values: dict[str, str] = {} if unset else variables(chosen(port).endpoint_url, region, account)
    if as_json:
        say_json({"unset": list(NAMES)} if unset else values)
        return Exit.OK
    syntax = shell or ("fish" if PurePath(os.environ.get("SHELL", "")).name == "fish" else "sh")
    for name in NAMES:
        click.echo(_line(syntax, name, values.get(name)))
    return Exit.OK
