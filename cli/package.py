"""`mdlc package`: everything that a deploy only has to upload."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from cli.deploy_project import LOCAL, Project
from cli.package_app import build_app, compile_lifecycles
from cli.package_layer import build_layer, layer_path
from cli.package_requirements import export


@dataclass(frozen=True)
class Packaged:
    """What had to be built; everything else was up to date. `layer` is the path of the dependencies' zip."""

    lifecycles_compiled: bool
    app_built: bool
    layer_built: bool
    layer: str
    seconds: float


def build(project: Project, stage: str) -> Packaged:
    """Compile the lifecycles and build both zips, each only if its content has changed. Raises MdlcError."""
    begun = time.perf_counter()
    compiled = compile_lifecycles(project)
    layer = build_layer(project, stage)
    app = build_app(project)
    return Packaged(
        compiled, app, layer, str(layer_path(project, stage)), round(time.perf_counter() - begun, 3)
    )


@click.command()
@click.option("--stage", default=LOCAL, show_default=True, help="The stage whose architecture to build for.")
@click.option("--requirements", is_flag=True, help="Only export requirements.txt from uv.lock.")
@click.option("--json", "as_json", is_flag=True, help="Answer as one JSON object.")
def package(stage: str, requirements: bool, as_json: bool) -> None:
    """Compile the lifecycles and build the zips that `chalice deploy` and `chalice package` use.

    Unchanged dependencies are not built again.
    """
    project = Project.around(Path.cwd())
    if requirements:
        changed = export(project.root)
        told: dict[str, object] = {"changed": changed}
        sentence = f"requirements.txt {'is written' if changed else 'was up to date'}."
    else:
        done = build(project, project.checked(stage))
        told = asdict(done)
        built = [
            what
            for what, is_new in {
                "lifecycles": done.lifecycles_compiled,
                "dependencies": done.layer_built,
                "application": done.app_built,
            }.items()
            if is_new
        ]
        sentence = (
            f"Built {', '.join(built)} in {done.seconds:.1f} s." if built else "Everything was up to date."
        )
    click.echo(json.dumps(told) if as_json else sentence)
