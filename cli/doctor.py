"""`mdlc doctor`: what this machine has and lacks."""

from dataclasses import asdict

import click

from cli.exits import Exit
from cli.output import json_option, progress, say_json

_MARKS = {"ok": ("green", "ok     "), "note": ("yellow", "note   "), "lacking": ("red", "lacking")}


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Show what this machine has and lacks, each with its remedy.

    Exit code 5 when something essential is lacking.
    """
    from cli.checks import Verdict, all_findings

    with progress("Looking at this machine", quiet=as_json) as say:
        findings = all_findings(say)
    lacking = any(finding.verdict is Verdict.LACKING for finding in findings)
    if as_json:
        say_json({"ok": not lacking, "findings": [asdict(finding) for finding in findings]})
        return Exit.LACKING if lacking else Exit.OK
    for finding in findings:
        colour, mark = _MARKS[finding.verdict]
        click.echo(f"{click.style(mark, fg=colour)}  {finding.name}: {finding.detail}")
        if finding.remedy:
            click.echo(f"         {finding.remedy}")
    click.echo("Something essential is lacking." if lacking else "Everything essential is here.")
    return Exit.LACKING if lacking else Exit.OK
