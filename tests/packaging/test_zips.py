"""Zips are the same whenever their content is, and are built only when it has changed."""

import os
import zipfile
from pathlib import Path

from cli.deploy_project import LOCAL, Project
from cli.package import build
from cli.package_layer import layer_path
from cli.package_zip import write_zip


def test_the_same_content_makes_the_same_zip(tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("1")
    two.write_text("2")
    write_zip(first, [("one.py", one), ("two.py", two)])
    os.utime(one, (0, 10**9))
    write_zip(second, [("two.py", two), ("one.py", one)])
    assert first.read_bytes() == second.read_bytes()


def test_a_program_stays_a_program(tmp_path: Path) -> None:
    program = tmp_path / "run"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    write_zip(tmp_path / "z.zip", [("run", program)])
    (info,) = zipfile.ZipFile(tmp_path / "z.zip").infolist()
    assert info.external_attr >> 16 == 0o100755


def test_a_second_build_builds_nothing(project: Project) -> None:
    first = build(project, LOCAL)
    second = build(project, LOCAL)
    assert not first.layer_built, "dependencies that have not changed were built again"
    assert (second.lifecycles_compiled, second.layer_built, second.app_built) == (False, False, False)


def test_changed_code_is_packaged_in_under_a_second(project: Project) -> None:
    build(project, LOCAL)
    with (project.root / "app" / "health.py").open("a") as file:
        file.write("# changed\n")
    built = build(project, LOCAL)
    assert (built.app_built, built.layer_built) == (True, False)
    assert built.seconds < 1


def test_bytecode_of_this_machine_makes_no_other_zip(project: Project) -> None:
    build(project, LOCAL)
    cache = project.root / "app" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "health.cpython-313.pyc").write_bytes(b"of this machine")
    assert not build(project, LOCAL).app_built


def test_a_changed_declaration_is_compiled(project: Project) -> None:
    build(project, LOCAL)
    with (project.root / "app" / "lifecycles" / "flights.py").open("a") as file:
        file.write("# changed\n")
    built = build(project, LOCAL)
    assert (built.lifecycles_compiled, built.app_built) == (True, True)


def test_changed_requirements_name_another_layer(project: Project) -> None:
    before = layer_path(project, LOCAL)
    with (project.root / "requirements.txt").open("a") as file:
        file.write("# changed\n")
    assert layer_path(project, LOCAL) != before
