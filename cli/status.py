"""`mdlc status`: what is running, and how true to AWS it answered."""

import time
from typing import Any

import click
from mdlc_emulator.launcher import Instance, instances
from mdlc_emulator.launcher.memory import proportional_mib

from cli.engine import ask
from cli.exits import Exit, MdlcError
from cli.output import duration, json_option, say_json
from cli.target import chosen, port_option

_COLOURS = {"executed": "green", "simulated": "yellow", "unsupported": "red"}


def describe(instance: Instance) -> dict[str, Any]:
    """One instance as `--json` shows it: times in seconds, memory in MiB; `engine` is what it says of
    itself."""
    record = instance.record()
    found: dict[str, Any] = {
        "port": instance.port,
        "endpoint_url": instance.endpoint_url,
        "pid": instance.supervisor_pid,
        "kind": instance.details.get("kind", "background"),
        "log": str(instance.log),
        "up_seconds": round(time.time() - record.since, 1) if record else None,
        "memory_mib": proportional_mib(instance.supervisor_pid),
    }
    try:
        found["engine"] = ask(instance, "/_mdlc/status")
    except MdlcError as error:
        found["problem"] = str(error)
    return found


def _show(found: dict[str, Any]) -> None:
    engine = found.get("engine", {})
    parts = [found["endpoint_url"], "answering" if engine else "not answering"]
    if engine.get("strict"):
        parts.append("strict")
    if found["up_seconds"] is not None:
        parts.append(f"up {duration(found['up_seconds'])}")
    if found["memory_mib"] is not None:
        parts.append(f"{found['memory_mib']} MiB")
    if engine.get("services"):
        parts.append(f"{len(engine['services'])} services in use")
    if found["kind"] != "background":
        parts.append("owned by a test session")
    click.echo(", ".join(parts))
    containers = engine.get("containers", {})
    if containers.get("isolation") == "base-directory":
        click.echo(f"  Jobs run without namespaces: {containers['reason'].rstrip('.')}.")
    if engine.get("sandbox") == "none":
        click.echo(f"  Functions run without a sandbox: {engine['reason'].rstrip('.')}.")
    if "problem" in found:
        click.echo(f"  {found['problem']}")


def _show_fidelity(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        "answered as", "service", "operation", "resource", "calls", "errors", box=None, pad_edge=False
    )
    reasons: dict[str, None] = {}
    for entry in report["entries"]:
        colour = _COLOURS.get(entry["fidelity"], "white")
        words = (entry["service"], entry["operation"], entry["resource"])
        table.add_row(
            f"[{colour}]{entry['fidelity']}[/]",
            *(escape(word or "") for word in words),
            str(entry["count"]),
            str(entry["errors"] or ""),
        )
        if entry["reason"]:
            reasons[f"{entry['service']}.{entry['operation']}: {entry['reason']}"] = None
    if report["entries"]:
        Console().print(table)
    for reason in reasons:
        click.echo(reason)
    click.echo(", ".join(f"{count} {kind}" for kind, count in report["totals"].items()) + " in all")


@click.command()
@port_option
@click.option("--fidelity", is_flag=True, help="Which calls were executed, simulated or unsupported.")
@json_option
def status(port: int | None, fidelity: bool, as_json: bool) -> int:
    """Show what is running; exit code 3 when nothing is.

    With --fidelity: every API call that was made, and whether it was really executed.
    """
    if fidelity:
        instance = chosen(port)
        report = ask(instance, "/_mdlc/fidelity")
        say_json(report) if as_json else _show_fidelity(report)
        return Exit.OK
    found = [describe(instance) for instance in ([chosen(port)] if port else instances())]
    if as_json:
        say_json({"instances": found})
    else:
        for one in found:
            _show(one)
        if not found:
            click.echo("No emulator is running: start one with `mdlc up`.", err=True)
    if not found:
        return Exit.NOTHING_RUNNING
    return Exit.FAILURE if any("problem" in one for one in found) else Exit.OK
