"""A copy of the project, so that tests neither change the checkout nor meet each other in it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.deploy_project import LOCAL, Project
from cli.package import build
from cli.package_layer import layer_path

ROOT = Path(__file__).parents[2]
_COPIED = (
    "app",
    ".chalice/config.json",
    ".chalice/policies",
    "workflows",
    "app.py",
    "requirements.txt",
    "uv.lock",
)


def copied(target: Path) -> Project:
    """The project at `target`: its sources copied, its built layer linked. Needs `make setup`, as all tests
    do."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in _COPIED:
        source, copy = ROOT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=ignored)
        else:
            shutil.copy(source, copy)
    (target / "chalicelib").symlink_to("app")
    original = Project(ROOT)
    if not layer_path(original, LOCAL).exists():
        build(original, LOCAL)
    project = Project(target)
    built = layer_path(project, LOCAL)
    built.parent.mkdir(parents=True)
    os.link(layer_path(original, LOCAL), built)
    return project


@pytest.fixture(scope="session")
def copy_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Makes copies of the project."""
    return lambda: copied(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(copy_project: Callable[[], Project]) -> Project:
    """A copy of the project, for one test."""
    return copy_project()
