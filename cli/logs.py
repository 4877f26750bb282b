"""`mdlc logs`: the engine's log, or what a Lambda function wrote to CloudWatch Logs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mdlc_emulator.launcher import Instance, log_tail
from mdlc_emulator.launcher.state import kept_log_path

from cli.exits import Exit, MdlcError
from cli.output import json_option, say_json, wait_a_moment
from cli.target import DEFAULT_PORT, chosen, port_option, region

PACE = 0.25
"""Seconds between two looks while following."""


@click.command()
@click.argument("function", required=False)
@port_option
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is added, until Ctrl-C.")
@click.option(
    "-n", "--lines", type=click.IntRange(1), default=100, show_default=True, help="How many at first."
)
@json_option
def logs(function: str | None, port: int | None, follow: bool, lines: int, as_json: bool) -> int:
    """Show the engine's log, or with FUNCTION what that Lambda function logged."""
    if as_json and follow:
        raise click.UsageError("--json and --follow exclude each other.")
    try:
        instance = chosen(port)
    except MdlcError as error:
        kept = kept_log_path(port or DEFAULT_PORT)
        if error.exit_code != Exit.NOTHING_RUNNING or function or not kept.exists():
            raise
        raise MdlcError(f"{error} The last one died; its log is {kept}.", Exit.NOTHING_RUNNING) from None
    if function:
        return _function_logs(instance, function, follow, lines, as_json)
    text = log_tail(instance.log, lines)
    if as_json:
        say_json({"log": str(instance.log), "lines": text.splitlines()})
        return Exit.OK
    click.echo(text)
    if follow:
        for line in _added(instance.log, instance):
            click.echo(line, nl=False)
        raise MdlcError(f"The emulator on port {instance.port} has ended.", Exit.NOTHING_RUNNING)
    return Exit.OK


def _added(path: Path, instance: Instance) -> Iterator[str]:
    """What is written to `path` from now on, as long as the instance lives."""
    try:
        with path.open(errors="replace") as log:
            log.seek(0, 2)
            while True:
                if chunk := log.read():
                    yield chunk
                elif not instance.alive:
                    return
                else:
                    wait_a_moment(PACE)
    except FileNotFoundError:
        return


def _function_logs(instance: Instance, function: str, follow: bool, lines: int, as_json: bool) -> int:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "logs",
        endpoint_url=instance.endpoint_url,
        region_name=region(),
        aws_access_key_id="000000000000",
        aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
    )
    group = function if function.startswith("/") else f"/aws/lambda/{function}"
    try:
        first = _events(client, group, 0)[-lines:]
        if as_json:
            say_json({"log_group": group, "events": [_plain(event) for event in first]})
            return Exit.OK
        _print(first)
        if follow:
            _follow(client, group, first)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise MdlcError(f"The emulator refused to show {group}: {error}.") from None
        raise MdlcError(
            f"There is no log group {group}: is the function's name right, and was it invoked? "
            "`aws lambda list-functions` names them all."
        ) from None
    except BotoCoreError as error:
        raise MdlcError(f"The emulator on port {instance.port} does not answer: {error}.") from None
    return Exit.OK


def _events(client: Any, group: str, since: int) -> list[Any]:
    """Events of all streams of `group` from `since` (ms since 1970) on, oldest first."""
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
    events = [event for page in pages for event in page["events"]]
    return sorted(events, key=lambda event: event["timestamp"])


def _follow(client: Any, group: str, shown: list[Any]) -> None:
    seen = {event["eventId"] for event in shown}
    since = shown[-1]["timestamp"] if shown else 0
    while True:
        fresh = [event for event in _events(client, group, since) if event["eventId"] not in seen]
        _print(fresh)
        seen |= {event["eventId"] for event in fresh}
        since = max([since, *(event["timestamp"] for event in fresh)])
        wait_a_moment(PACE)


def _print(events: list[Any]) -> None:
    for event in events:
        click.echo(event["message"].rstrip("\n"))


def _plain(event: Any) -> dict[str, Any]:
    return {"timestamp": event["timestamp"], "stream": event["logStreamName"], "message": event["message"]}
