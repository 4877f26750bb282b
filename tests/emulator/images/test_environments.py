"""The directories of packages beside the engine: those of their locks, installed once, or a way out said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mdlc_emulator.environments import models
from mdlc_emulator.environments.__main__ import ALL
from mdlc_emulator.environments.algorithms import ALGORITHMS, algorithms_python
from mdlc_emulator.environments.guest import GUEST, guest_directory
from mdlc_emulator.environments.installed import Installed, Installer, InstallError, SetupError


def test_functions_find_what_the_lock_names() -> None:
    lock = GUEST.lock.read_text()
    installed = {path.name.removesuffix(".dist-info") for path in guest_directory().glob("*.dist-info")}
    assert {name.rpartition("-")[0] for name in installed} == {
        "awslambdaric",
        "boto3",
        "botocore",
        "jmespath",
        "python_dateutil",
        "s3transfer",
        "simplejson",
        "six",
        "snapshot_restore_py",
        "urllib3",
    }
    for name in installed:
        project, _, version = name.rpartition("-")
        assert f"{project.replace('_', '-')}=={version} " in lock


def test_nothing_that_breaks_after_a_fork_is_among_it() -> None:
    assert list(guest_directory().glob("runtime_client*")) == []


def test_models_are_a_search_path_of_botocore() -> None:
    directory = models.MODELS.directory()
    assert {path.name for path in directory.iterdir() if path.is_dir()} == set(models.SERVICES)
    for service in models.SERVICES:
        assert list(directory.glob(f"{service}/*/service-2.json.gz"))


def test_the_models_are_those_of_the_application_s_botocore() -> None:
    """A client of the project knows no operation or member that the emulator does not."""
    import botocore

    assert f"botocore=={botocore.__version__} " in models.MODELS.lock.read_text()


def test_the_algorithms_environment_runs_what_the_lock_names() -> None:
    program = "import sagemaker_training, sklearn, xgboost; print(sklearn.__version__, xgboost.__version__)"
    said = subprocess.run(
        [algorithms_python(), "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    lock = ALGORITHMS.lock.read_text()
    assert f"scikit-learn=={said[0]} " in lock
    assert f"=={said[1]} ; sys_platform == 'linux'" in lock


def test_its_programs_start_with_its_own_interpreter() -> None:
    first = (ALGORITHMS.directory() / "bin" / "train").read_text().splitlines()[0]
    assert first == f"#!{ALGORITHMS.place()}/bin/python"


@pytest.mark.parametrize("installed", ALL.values(), ids=list(ALL))
def test_it_is_done_once(installed: Installed) -> None:
    stamp = installed.directory() / ".complete"
    before = stamp.stat().st_mtime_ns
    assert not installed.build()
    assert stamp.stat().st_mtime_ns == before


def elsewhere(tmp_path: Path, *said: str) -> subprocess.CompletedProcess[str]:
    """The installing program in a process that takes `tmp_path` for its environment and finds neither the
    packages nor a Makefile's uv nor pip."""
    program = (
        "import pathlib, sys; from mdlc_emulator.environments import installed, __main__; "
        f"installed.PROJECT = pathlib.Path('/nowhere'); sys.prefix = {str(tmp_path)!r}; "
        "installed.importlib.util.find_spec = lambda name: None; "
        f"sys.argv[:] = ['x', *{said!r}]; __main__.main()"
    )
    bare = {name: value for name, value in os.environ.items() if name != "UV"} | {"PATH": str(tmp_path)}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=bare, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", list(ALL))
def test_without_uv_it_says_what_to_do(tmp_path: Path, name: str) -> None:
    done = elsewhere(tmp_path, name)
    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / name).exists()


def test_an_installer_that_fails_leaves_nothing_and_is_quoted(tmp_path: Path) -> None:
    broken = tmp_path / "uv"
    broken.write_text("#!/bin/sh\necho 'no route to the index' >&2\nexit 2\n")
    broken.chmod(0o755)
    done = elsewhere(tmp_path, "models", "--uv", str(broken))
    assert done.returncode == 1
    assert "no route to the index" in done.stderr
    assert "python -m mdlc_emulator.environments models" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [".models.lock", "uv"]


def test_an_unknown_name_is_told_from_the_known_ones(tmp_path: Path) -> None:
    done = elsewhere(tmp_path, "algorithm")
    assert done.returncode == 2
    assert "algorithm is none of guest, models, algorithms" in done.stderr


def test_what_is_there_stays_until_its_successor_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mdlc_emulator.environments.installed.PROJECT", Path("/nowhere"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    def good(_: Installer, fresh: Path, __: Path) -> None:
        fresh.mkdir()
        (fresh / "content").write_text("first")

    def bad(_: Installer, fresh: Path, __: Path) -> None:
        fresh.mkdir()
        (fresh / "content").write_text("half")
        raise InstallError("a hash does not match")

    first = Installed("models", "of a test", 1, good)
    assert first.build("uv")
    second = Installed("models", "of a test", 2, bad)
    assert not second.is_complete()
    with pytest.raises(SetupError, match="a hash does not match"):
        second.build("uv")
    assert (tmp_path / "models" / "content").read_text() == "first"
    third = Installed("models", "of a test", 3, good)
    assert third.build("uv")
    assert third.is_complete()
