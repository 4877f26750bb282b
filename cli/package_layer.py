"""The layer of dependencies, built where Chalice looks for it before it would build its own.

Chalice keeps a layer under .chalice/deployments, by a name made from requirements.txt and the architecture,
and uses again what it finds there. So an unmodified `chalice deploy` or `chalice package` takes the layer
built here: from the lock, by uv, without what inference does not need, with bytecode that stays valid after
unzipping.
"""

import compileall
import os
import py_compile
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from chalice.deploy.packager import DependencyBuilder as PipDependencyBuilder
from chalice.deploy.packager import LayerDeploymentPackager, PipRunner, SubprocessPip
from chalice.utils import UI, OSUtils

from cli.deploy_project import LOCAL, Project
from cli.package_uv import run_uv
from cli.package_zip import write_zip

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
_PREFIX = PurePosixPath("python/lib", RUNTIME, "site-packages")

# The glibc of Lambda's images for this Python.
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_34", "arm64": "aarch64-manylinux_2_34"}

# Never imported for inference: tests, type stubs, tools that make models, a web page for OpenAPI.
_UNUSED_FOLDERS = {"tests", "__pycache__"}
_UNUSED_TREES = (
    "bin",
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui",
)
_UNUSED_SUFFIXES = {".pyi", ".pxd", ".h"}


def layer_path(project: Project, stage: str) -> Path:
    """Where Chalice looks for the stage's layer."""
    osutils = OSUtils()
    architecture = project.architecture(stage)
    builder = PipDependencyBuilder(osutils, PipRunner(SubprocessPip(osutils), osutils), architecture)
    packager = LayerDeploymentPackager(osutils, builder, UI(), architecture)
    return Path(packager.deployment_package_filename(str(project.root), RUNTIME))


def build_layer(project: Project, stage: str) -> bool:
    """Build the stage's layer unless it is there; whether it was built."""
    target = layer_path(project, stage)
    if target.exists():
        return False
    with tempfile.TemporaryDirectory(prefix="mdlc-layer-") as folder:
        site = Path(folder)
        run_uv(
            project.root, "pip", "install", "--quiet", *_install_options(project, stage), "--target", folder
        )
        _compile(site)
        write_zip(target, ((str(_PREFIX / name), path) for name, path in _kept(site)))
    _forget_older(target)
    return True


def _install_options(project: Project, stage: str) -> list[str]:
    options = [
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirements",
        "requirements.txt",
    ]
    if stage == LOCAL:
        # The emulator runs functions on this very machine, whatever it is.
        return [*options, "--python", sys.executable]
    return [*options, "--python-version", RUNTIME.removeprefix("python"), "--python-platform",
            _PLATFORMS[project.architecture(stage)]]  # fmt: skip


def _compile(site: Path) -> None:
    """Bytecode that is never checked against its source: a layer cannot be written, and unzipping changes
    times."""
    compileall.compile_dir(
        site,
        quiet=2,
        workers=os.cpu_count() or 1,
        stripdir=str(site),
        prependdir=f"/opt/{_PREFIX}",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _kept(site: Path) -> Iterator[tuple[str, Path]]:
    for path in site.rglob("*"):
        name = path.relative_to(site)
        parts = set(name.parts[:-1])
        cached = name.parent.name == "__pycache__"
        folders = parts - {"__pycache__"} if cached else parts
        source = name.parent.parent if cached else name.parent
        if (
            path.is_file()
            and not folders & _UNUSED_FOLDERS
            and not any(source.is_relative_to(tree) for tree in _UNUSED_TREES)
            and path.suffix not in _UNUSED_SUFFIXES
            and path.name not in {".lock", "RECORD", "INSTALLER", "REQUESTED"}
        ):
            yield name.as_posix(), path


def _forget_older(target: Path) -> None:
    """Remove layers of earlier requirements: 50 MB each. Those of the other architecture have another
    ending."""
    other = target.name.endswith("-arm64.zip")
    for path in target.parent.glob("managed-layer-*.zip"):
        if path != target and path.name.endswith("-arm64.zip") == other:
            path.unlink(missing_ok=True)
