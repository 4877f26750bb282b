"""How `mdlc` speaks: one JSON object for machines, lines for people, progress only where somebody is
watching."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")


def say_json(report: Mapping[str, Any]) -> None:
    """The whole answer of a verb, on stdout."""
    click.echo(json.dumps(report, indent=2, default=str))


def duration(seconds: float) -> str:
    """4.2 s, 3 min 5 s, 2 h 10 min: as coarse as it is long."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def progress(first: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show on a terminal's stderr what is being waited for; the function yielded changes the words.

    Rich is imported only when the work takes long enough to be worth showing.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from cli.spinner import Spinner

    with Spinner(first) as spinner:
        yield spinner.say


def wait_a_moment(seconds: float) -> None:
    """Between two looks at something that grows."""
    time.sleep(seconds)
