"""`mdlc deploy` and `mdlc destroy`."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from cli.deploy_project import LOCAL, Project
from cli.deploy_remove import destroy as remove
from cli.deploy_remove import full_buckets
from cli.deploy_run import Compute
from cli.deploy_run import deploy as run
from cli.deploy_steps import Report
from cli.deploy_target import target
from cli.exits import Exit, MdlcError
from cli.output import duration, json_option, progress, say_json
from cli.target import port_option

stage_option = click.option(
    "--stage", default=LOCAL, show_default=True, help="A stage of .chalice/config.json."
)


@click.command()
@stage_option
@port_option
@click.option("--subnets", help="Subnet ids, separated by commas: makes AWS Batch for jobs there (on AWS).")
@click.option("--security-groups", help="Security group ids of jobs, separated by commas.")
@click.option("--without-jobs", is_flag=True, help="No AWS Batch: take away what was made of it.")
@json_option
def deploy(
    stage: str,
    port: int | None,
    subnets: str | None,
    security_groups: str | None,
    without_jobs: bool,
    as_json: bool,
) -> int:
    """Deploy the application: stack, functions, workflows, mappings; then check it and print its URL.

    The stage `local` goes to the emulator, the others to AWS. Running it again changes only what has changed.
    """
    project = Project.around(Path.cwd())
    project.checked(stage)
    if (subnets is None) != (security_groups is None):
        raise MdlcError("--subnets and --security-groups belong together: give both or none.", Exit.USAGE)
    if without_jobs and subnets is not None:
        raise MdlcError("--without-jobs and --subnets contradict each other: give one of them.", Exit.USAGE)
    if stage == LOCAL and subnets is not None:
        raise MdlcError(
            "The emulator has AWS Batch and no network: leave out --subnets and --security-groups.",
            Exit.USAGE,
        )
    where = target(stage, port)
    with progress("Deploying", quiet=as_json) as say:
        report = run(
            project, stage, where, Compute(subnets, security_groups, without_jobs, local=stage == LOCAL), say
        )
    _tell(report, as_json)
    return Exit.OK


@click.command()
@stage_option
@port_option
@click.option("--force", is_flag=True, help="Remove buckets with all they hold, without asking.")
@json_option
def destroy(stage: str, port: int | None, force: bool, as_json: bool) -> int:
    """Remove everything that `deploy` made, logs included. Asks before it removes a bucket that holds
    something."""
    project = Project.around(Path.cwd())
    project.checked(stage)
    where = target(stage, port)
    full = full_buckets(project, stage, where)
    if full and not force:
        _agree(full, as_json)
    with progress("Removing", quiet=as_json) as say:
        report = remove(project, stage, where, full, say)
    _tell(report, as_json)
    return Exit.OK


def _agree(full: list[str], as_json: bool) -> None:
    """Go on only if the user, who must be there, says so."""
    names = ", ".join(full)
    if as_json or not sys.stdin.isatty():
        raise MdlcError(
            f"These buckets hold something: {names}. Add --force to remove them with it.", Exit.USAGE
        )
    if not click.confirm(f"Remove {names} with everything in them?"):
        raise MdlcError("Nothing was removed.")


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        say_json(asdict(report))
        return
    for step in report.steps:
        click.echo(f"{step.name:<10} {duration(step.seconds):>8}  {step.detail}")
    click.echo(f"{'total':<10} {duration(report.seconds):>8}")
    for left_out in report.left_out:
        click.echo(f"Left out: {left_out}.")
    if report.url:
        click.echo(report.url)
