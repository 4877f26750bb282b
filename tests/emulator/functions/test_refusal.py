"""What cannot run here is refused with the way out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mdlc_emulator.engine.functions.interpreters import OWN, VERSIONS, interpreter, variable
from mdlc_emulator.engine.functions.refusal import machine, refusal

OTHER = "arm64" if machine() == "x86_64" else "x86_64"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_python_runtime_runs_if_and_only_if_there_is_an_interpreter(version: str) -> None:
    reason = refusal(f"python{version}", "Zip", ["x86_64"])
    python = interpreter(version)
    if python is None:
        assert reason is not None
        assert f"uv python install {version}" in reason
        assert variable(version) in reason
    else:
        assert reason is None
        said = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout
        assert said.startswith(f"Python {version}.")


def test_the_emulators_own_version_always_runs() -> None:
    assert interpreter(OWN) is not None


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_python_code_may_be_declared_for_any_architecture(architecture: str) -> None:
    assert refusal(f"python{OWN}", "Zip", [architecture]) is None


def test_a_program_must_be_built_for_this_machine() -> None:
    assert refusal("provided.al2023", "Zip", [machine()]) is None
    reason = refusal("provided.al2023", "Zip", [OTHER])
    assert reason is not None
    assert f"Architectures=['{machine()}']" in reason


@pytest.mark.parametrize(
    "runtime", ["nodejs22.x", "java21", "dotnet8", "ruby3.3", "python2.7", "python3.9", "provided"]
)
def test_other_runtimes_are_refused_with_what_does_run(runtime: str) -> None:
    reason = refusal(runtime, "Zip", ["x86_64"])
    assert reason is not None
    assert runtime in reason
    assert "provided.al2023" in reason


def test_images_are_refused() -> None:
    reason = refusal(None, "Image", ["x86_64"])
    assert reason is not None
    assert "zip" in reason


def test_a_variable_names_an_interpreter_and_is_checked(tmp_path: Path) -> None:
    """In a process of its own, since interpreters are looked for once."""
    question = (
        "from mdlc_emulator.engine.functions.interpreters import interpreter; "
        "print(interpreter('3.14'), interpreter('3.13'))"
    )
    impostor = tmp_path / "python3.14"
    impostor.symlink_to(sys.executable)
    environment = {**os.environ, "MDLC_PYTHON_3_14": str(impostor), "MDLC_PYTHON_3_13": sys.executable}
    said = subprocess.run(
        [sys.executable, "-c", question], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert said[0] != str(impostor)
    assert said[1] == sys.executable
