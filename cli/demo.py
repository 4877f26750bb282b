"""`mdlc demo`: the application on this machine, from an empty emulator to answers over HTTP."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import click
from mdlc_emulator.launcher import Instance, start

from cli.deploy_project import LOCAL, Project
from cli.deploy_run import Compute, deploy
from cli.deploy_steps import Report
from cli.deploy_target import Target, target
from cli.engine import ask
from cli.exits import Exit
from cli.output import duration, progress
from cli.target import told

_SECONDS = 30.0


@click.command()
@click.option("--keep", is_flag=True, help="Leave the emulator running, with the application in it.")
def demo(keep: bool) -> int:
    """Start an emulator, deploy the application to it, call it over HTTP, and say what was really executed.

    Uses a free port, so an emulator that runs already is left alone.
    """
    begun = time.perf_counter()
    project = Project.around(Path.cwd())
    with told(), progress("Starting the emulator") as say:
        instance = start(background=keep, progress=say)
    try:
        _line("emulator", time.perf_counter() - begun, f"{instance.endpoint_url}, Lambda and all, no Docker")
        where = target(LOCAL, instance.port)
        with progress("Deploying") as say:
            report = deploy(project, LOCAL, where, Compute(local=True), say)
        _tell_deploy(report)
        assert report.url is not None
        _tell_routes(report.url)
        _tell_workflow(where, project.prefix(LOCAL))
        _tell_fidelity(instance)
    except BaseException:
        if keep:
            click.echo(
                f"The emulator on port {instance.port} goes on: `mdlc logs --port {instance.port}`.", err=True
            )
        raise
    finally:
        if not keep:
            instance.stop()
    click.echo(f"\nAll of it took {duration(time.perf_counter() - begun)}.")
    if keep:
        click.echo(f"It goes on at {report.url}\n  end it:  mdlc down --port {instance.port}")
    else:
        click.echo("Nothing of it is left; `mdlc demo --keep` leaves it running.")
    return Exit.OK


def _line(what: str, seconds: float, detail: str) -> None:
    click.echo(f"{what:<12} {duration(seconds):>7}  {detail}")


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    answer = call()
    return answer, time.perf_counter() - begun


def _tell_deploy(report: Report) -> None:
    for step in report.steps:
        _line(step.name, step.seconds, step.detail)
    for left_out in report.left_out:
        click.echo(f"  left out: {left_out}")


def _get(url: str) -> Any:
    with urlopen(url, timeout=_SECONDS) as answer:
        return json.load(answer)


def _tell_routes(url: str) -> None:
    health, seconds = _timed(lambda: _get(f"{url}health"))
    _line("GET /health", seconds, f"{health['status']} at {url}health")
    listed, seconds = _timed(lambda: _get(f"{url}lifecycles"))
    for lifecycle in listed["lifecycles"]:
        live = _get(f"{url}lifecycles/{lifecycle['name']}/registration")
        current = "registered as the live one" if live["current"] else "not the live one"
        _line("  lifecycle", seconds, f"{lifecycle['name']} {lifecycle['digest'][:12]}, {current}")


def _tell_workflow(where: Target, prefix: str) -> None:
    states = where.client("stepfunctions")
    [machine] = [
        machine["stateMachineArn"]
        for page in states.get_paginator("list_state_machines").paginate()
        for machine in page["stateMachines"]
        if machine["name"] == f"{prefix}-register"
    ]
    [last, *_] = states.list_executions(stateMachineArn=machine)["executions"]
    history = states.get_execution_history(executionArn=last["executionArn"], maxResults=1000)["events"]
    entered = sum(event["type"].endswith("StateEntered") for event in history)
    seconds = (last["stopDate"] - last["startDate"]).total_seconds()
    _line(
        "workflow", seconds, f"register {last['status']}, {entered} states, {len(history)} events of history"
    )


def _tell_fidelity(instance: Instance) -> None:
    report = ask(instance, "/_mdlc/fidelity")
    totals = ", ".join(f"{count} {fidelity}" for fidelity, count in report["totals"].items())
    _line("fidelity", 0, f"API calls: {totals}")
    simulated = {
        f"{entry['service']}:{entry['operation']}": entry["reason"]
        for entry in report["entries"]
        if entry["fidelity"] != "executed"
    }
    for operation, reason in simulated.items():
        click.echo(f"  {operation}: {reason}")
