"""`mdlc image`: what runs in the place of an image, and building the image of the project's jobs."""

import shlex
from dataclasses import asdict
from pathlib import Path

import click

from cli.deploy_project import LOCAL, Project
from cli.exits import Exit, MdlcError
from cli.image_builders import PROBES
from cli.output import json_option, progress, say_json
from cli.target import port_option

CODEBUILD = "codebuild"
PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}


@click.group()
def image() -> None:
    """Images of jobs and models: which the emulator can run, and building the project's own."""


@image.command("list")
@click.option("--all", "everything", is_flag=True, help="Published images that cannot run here as well.")
@json_option
def list_images(everything: bool, as_json: bool) -> None:
    """List the images that have a recipe: the project's own, then those that AWS publishes."""
    from cli.image_recipes import listed

    found = listed(everything)
    if as_json:
        say_json({"images": [asdict(one) for one in found]})
        return
    width = max(len(one.image) for one in found)
    for one in found:
        said = one.runs if one.runnable else f"not here: {one.remark}"
        click.echo(f"{one.image:<{width}}  {said}")


@image.command()
@click.argument("uri")
@json_option
def resolve(uri: str, as_json: bool) -> int:
    """Say what runs here when a job or a model names the image URI. Exit code 1 when nothing does."""
    from cli.image_recipes import explained

    said = explained(uri)
    if as_json:
        say_json(said)
        return Exit.OK
    for name, value in said.items():
        if isinstance(value, dict):
            for use, command in value.items():
                click.echo(
                    f"{use:<12}{shlex.join(command) if command else '(the request brings its command)'}"
                )
        elif value:
            click.echo(f"{name:<12}{value}")
    return Exit.OK


@image.command()
@click.option("--stage", default=LOCAL, show_default=True, help="A stage of .chalice/config.json.")
@port_option
@click.option(
    "--with",
    "builder",
    type=click.Choice([*PROBES, CODEBUILD]),
    help="What to build with; else the first that is here.",
)
@click.option(
    "--platform",
    "platforms",
    type=click.Choice(list(PLATFORMS.values())),
    multiple=True,
    help="May be given twice; else the stage's architecture.",
)
@click.option("--base", help="Another base image than the Dockerfile's.")
@json_option
def build(
    stage: str,
    port: int | None,
    builder: str | None,
    platforms: tuple[str, ...],
    base: str | None,
    as_json: bool,
) -> int:
    """Build the image that the project's jobs run in on AWS.

    The tag is a digest of what the image is made from. With CodeBuild, AWS builds it and pushes it to the
    stage's repository; a builder of this machine only builds. The emulator needs no image.
    """
    from cli.image_bundle import tag as digest
    from cli.package_app import compile_lifecycles

    project = Project.around(Path.cwd())
    project.checked(stage)
    chosen = tuple(dict.fromkeys(platforms)) or (PLATFORMS[project.architecture(stage)],)
    if builder == CODEBUILD and stage == LOCAL:
        raise MdlcError(
            "The stage local runs jobs without an image, and the emulator has no CodeBuild: name a stage on "
            "AWS (--stage dev).",
            Exit.USAGE,
        )
    compile_lifecycles(project)
    tag = digest(project.root)
    if builder == CODEBUILD:
        made = _on_aws(project, stage, port, tag, chosen, as_json)
        report: dict[str, object] = {"image": made, "built_by": CODEBUILD, "platforms": list(chosen)}
    else:
        report = _here(project, stage, builder, tag, chosen, base, as_json)
    if as_json:
        say_json(report)
    else:
        click.echo(f"The image is {report['image']}.")
    return Exit.OK


def _here(
    project: Project,
    stage: str,
    wanted: str | None,
    tag: str,
    platforms: tuple[str, ...],
    base: str | None,
    as_json: bool,
) -> dict[str, object]:
    from cli.image_builders import find

    builder = find(wanted)
    name = f"{project.prefix(stage)}-jobs:{tag}"
    command = builder.command(name, platforms, base)
    click.echo(shlex.join(command), err=True)
    builder.build(project.root, command, quiet=as_json)
    return {"image": name, "built_by": builder.name, "platforms": list(platforms), "command": command}


def _on_aws(
    project: Project, stage: str, port: int | None, tag: str, platforms: tuple[str, ...], as_json: bool
) -> str:
    from cli.deploy_target import target
    from cli.image_bundle import bundle
    from cli.image_codebuild import CodeBuild, outputs, place

    where = target(stage, port)
    stack = project.prefix(stage)
    made = place(stack, outputs(where.client("cloudformation"), stack), f"{stack}-job-image")
    service = CodeBuild(where.client, made)
    if service.exists(tag):
        return f"{made.repository}:{tag}"
    with progress("Building on AWS", quiet=as_json):
        return service.build(bundle(project.root), tag, platforms, lambda line: click.echo(line, err=True))
