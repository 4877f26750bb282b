"""The packages that functions find: those of the lock, installed once."""

import os
import subprocess
import sys
from pathlib import Path

from mdlc_emulator import guest_setup


def test_what_is_installed_is_what_the_lock_names() -> None:
    directory = guest_setup.guest_directory()
    lock = guest_setup.LOCK.read_text()
    installed = {path.name.removesuffix(".dist-info") for path in directory.glob("*.dist-info")}
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
    assert list(guest_setup.guest_directory().glob("runtime_client*")) == []


def test_it_is_done_once() -> None:
    stamp = guest_setup.guest_directory() / guest_setup.STAMP
    before = stamp.stat().st_mtime_ns
    assert not guest_setup.build()
    assert stamp.stat().st_mtime_ns == before


def test_without_uv_it_says_what_to_do(tmp_path: Path) -> None:
    """In a process of its own that finds neither the packages nor uv nor pip."""
    program = (
        "import pathlib, sys; from mdlc_emulator import guest_setup; "
        f"guest_setup.TARGET = pathlib.Path({str(tmp_path / 'guest')!r}); "
        "guest_setup._tools_uv = lambda: None; "
        "guest_setup.importlib.util.find_spec = lambda name: None; sys.argv[:] = ['x']; guest_setup.main()"
    )
    bare = {name: value for name, value in os.environ.items() if name != "UV"} | {"PATH": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make setup" in done.stderr
    assert not (tmp_path / "guest").exists()
