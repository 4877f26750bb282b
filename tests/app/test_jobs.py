"""Jobs as their image starts them: `python -m app.jobs NAME`."""

import json
import subprocess
import sys

import pytest


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.jobs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [(), ("chek",), ("__main__",)])
def test_without_a_job_s_name_it_lists_them(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.endswith(": check.\n")
    assert "Traceback" not in done.stderr


def test_check_imports_every_library_and_says_its_version() -> None:
    import importlib.metadata

    done = run("check")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    for library, version in report["libraries"].items():
        assert version == importlib.metadata.version(library)
    assert "broken" not in report


def test_a_library_that_cannot_be_imported_is_named() -> None:
    program = (
        "import sys; sys.modules['deltalake'] = None; from app.jobs import check; sys.exit(check.main([]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "deltalake" in json.loads(done.stdout)["broken"]


def test_a_job_refuses_arguments_that_it_does_not_take() -> None:
    done = run("check", "twice")
    assert (done.returncode, done.stderr) == (2, "check takes no arguments.\n")
