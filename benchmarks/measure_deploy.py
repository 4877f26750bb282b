"""Packaging: what a change of code costs before anything is sent, and what every function pays at its
start."""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import ROOT
from cli.deploy_project import LOCAL, Project
from cli.package import build
from cli.package_layer import layer_path

ROUNDS = 7
MIB = 2**20


def run() -> list[dict[str, Any]]:
    """Rows for the report; needs no emulator."""
    project = Project(ROOT)
    build(project, LOCAL)
    layer = layer_path(project, LOCAL)
    unzipped = sum(info.file_size for info in zipfile.ZipFile(layer).infolist())
    return [
        {"name": "package, nothing changed", "ours": _package(change=False), "unit": "ms", "target": 1000},
        {"name": "package, code changed", "ours": _package(change=True), "unit": "ms", "target": 1000},
        {"name": "import app.main, CPU", "ours": _import(), "unit": "ms", "target": 200, "stretch": 100},
        {"name": "layer, zipped", "ours": layer.stat().st_size / MIB, "unit": "MiB", "target": 50},
        {"name": "layer, unzipped", "ours": unzipped / MIB, "unit": "MiB", "target": 250},
    ]


def _package(*, change: bool) -> float:
    """Median milliseconds of a build in a copy of the project whose layer is built already."""
    with tempfile.TemporaryDirectory(prefix="bench-package-") as directory:
        copy = Path(directory)
        for name in ("app", ".chalice/policies", "workflows"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in (".chalice/config.json", "app.py", "requirements.txt"):
            shutil.copy(ROOT / name, copy / name)
        (copy / "chalicelib").symlink_to("app")
        project = Project(copy)
        layer_path(project, LOCAL).parent.mkdir()
        layer_path(project, LOCAL).symlink_to(layer_path(Project(ROOT), LOCAL))
        build(project, LOCAL)
        taken = []
        for number in range(ROUNDS):
            if change:
                with (copy / "app" / "health.py").open("a") as file:
                    file.write(f"# {number}\n")
            begun = time.perf_counter()
            built = build(project, LOCAL)
            taken.append((time.perf_counter() - begun) * 1000)
            if (built.app_built, built.layer_built) != (change, False):
                raise RuntimeError(f"{built}, but the code had {'' if change else 'not '}changed")
        return median(taken)


def _import() -> float:
    """CPU milliseconds of `import app.main` in a fresh interpreter, bytecode at hand, without the
    interpreter's own: the least of several, for whatever else runs only adds."""
    subprocess.run([sys.executable, "-c", "import app.main"], cwd=ROOT, check=True)
    return min(_cpu("import app.main") for _ in range(ROUNDS)) - min(_cpu("pass") for _ in range(ROUNDS))


def _cpu(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
