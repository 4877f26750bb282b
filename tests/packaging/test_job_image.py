"""The Dockerfile of the jobs' image: what can be known of it without a builder, and its commands run here."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from cli.image_bundle import bundle, copied, files, instructions, tag
from cli.package_uv import find_uv

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = instructions(DOCKERFILE)
LAST_STAGE = INSTRUCTIONS[max(n for n, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps `path` out: the last pattern that fits decides, ! lets in again
    (https://docs.docker.com/build/concepts/context/#dockerignore-files)."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = Path(path).parts
        begins = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if any(fnmatch.fnmatchcase(begin, pattern) for begin in (*begins, *parts)):
            out = not line.startswith("!")
    return out


def sync_command() -> list[str]:
    [command] = [rest for word, rest in INSTRUCTIONS if word == "RUN" and " sync " in rest]
    return shlex.split(command)


def test_every_file_that_is_copied_exists_and_is_let_in() -> None:
    sources = copied(DOCKERFILE)
    assert {"app", "uv.lock", "pyproject.toml"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        inner = f"{source}/__init__.py" if (ROOT / source).is_dir() else source
        assert not ignored(inner), source


@pytest.mark.parametrize(
    "path", [".git/config", ".env", ".venv/bin/python", "cli/main.py", ".chalice/config.json"]
)
def test_nothing_else_reaches_a_builder(path: str) -> None:
    assert ignored(path)


def test_jobs_do_not_run_as_root() -> None:
    users = [rest for word, rest in LAST_STAGE if word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]), "a number: Kubernetes and Batch can check it"
    after = LAST_STAGE[[word for word, _ in LAST_STAGE].index("USER") + 1 :]
    assert {word for word, _ in after} <= {"ENTRYPOINT", "CMD"}


def test_the_image_starts_jobs_without_a_shell() -> None:
    [entry] = [json.loads(rest) for word, rest in LAST_STAGE if word == "ENTRYPOINT"]
    assert entry == ["python", "-m", "app.jobs"]


def test_the_last_stage_brings_no_tools_along() -> None:
    """What installs stays behind in the first stage."""
    assert not [
        rest for word, rest in LAST_STAGE if word == "RUN" and re.search(r"\b(pip|uv|apt-get)\b", rest)
    ]
    assert [rest for word, rest in LAST_STAGE if word == "COPY" and "--from=build /opt/mdlc" in rest]


def test_everything_is_locked() -> None:
    command = sync_command()
    assert {"--locked", "--no-default-groups"} <= set(command)
    assert command[command.index("--group") + 1] == "jobs"
    assert not [word for word, _ in INSTRUCTIONS if word == "ADD"]
    [base] = [rest.partition("=")[2] for word, rest in INSTRUCTIONS if rest.startswith("BASE=")]
    assert base.partition(":")[2].startswith((ROOT / ".python-version").read_text().strip())
    assert "latest" not in DOCKERFILE
    [uv] = [rest.partition("=")[2] for word, rest in INSTRUCTIONS if rest.startswith("UV_VERSION=")]
    assert f"UV_VERSION := {uv}\n" in (ROOT / "Makefile").read_text()


def test_no_platform_is_written_into_it() -> None:
    """linux/amd64 and linux/arm64 are made from the same file."""
    assert not re.search(r"amd64|arm64|x86_64|aarch64", "\n".join(rest for _, rest in INSTRUCTIONS))


def test_the_buildspec_uses_what_the_build_gives_it() -> None:
    spec = yaml.safe_load((ROOT / "workflows/buildspec.yml").read_text())
    commands = [line for phase in spec["phases"].values() for line in phase["commands"]]
    used = set(re.findall(r"\$\{?([A-Z_]+)", "\n".join(commands)))
    assert used == {"REPOSITORY", "TAG", "BASE", "MANIFEST", "MANIFEST_OF", "CODEBUILD_BUILD_SUCCEEDING"}
    for line in commands:
        subprocess.run(["sh", "-n", "-c", line], check=True)
    # The image is tried before it is pushed.
    text = "\n".join(commands)
    assert text.index("docker run") < text.index("docker push")


def test_the_tag_is_a_digest_of_what_goes_in(tmp_path: Path) -> None:
    for path in files(ROOT):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target)
    (tmp_path / "workflows").mkdir()
    shutil.copy(ROOT / "workflows/buildspec.yml", tmp_path / "workflows")
    before = tag(tmp_path)
    assert before == tag(ROOT)
    assert bundle(tmp_path) == bundle(tmp_path)
    (tmp_path / "app" / "jobs" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "app" / "jobs" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (tmp_path / "README.md").write_text("x")
    assert tag(tmp_path) == before
    (tmp_path / "app" / "jobs" / "check.py").write_text("# other\n")
    assert tag(tmp_path) != before


def test_a_source_that_is_missing_is_told(tmp_path: Path) -> None:
    from cli.exits import MdlcError

    (tmp_path / "Dockerfile").write_text("FROM x\nCOPY one \\\n  two /to/\n")
    (tmp_path / "one").write_text("1")
    with pytest.raises(MdlcError, match="The Dockerfile copies two, which"):
        files(tmp_path)


def test_the_recipe_runs_what_the_image_would() -> None:
    """Same entry point, here in the project's environment."""
    from mdlc_emulator.images.recipe import Use
    from mdlc_emulator.images.resolve import resolve

    program = resolve("123456789012.dkr.ecr.eu-west-1.amazonaws.com/mdlc-dev-jobs:abc").started(
        Use.RUN, arguments=["check"]
    )
    assert list(program.command) == ["python", "-m", "app.jobs", "check"]
    path = os.pathsep.join([*map(str, program.path), "/usr/bin", "/bin"])
    done = subprocess.run(
        list(program.command),
        env={**program.environment, "PATH": path},
        cwd=program.working_directory,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"pandas", "deltalake", "onnxruntime"} <= json.loads(done.stdout)["libraries"].keys()


@pytest.mark.long
def test_the_image_s_commands_make_an_environment_in_which_jobs_run(tmp_path: Path) -> None:
    """What the Dockerfile does, without Docker: its copies, its `uv sync`, its entry point."""
    for path in files(ROOT):
        target = tmp_path / "build" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.parts[0] != "app":  # comes in the last stage
            shutil.copy(ROOT / path, target)
    shutil.copytree(ROOT / "app", tmp_path / "srv" / "app", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "UV_PROJECT_ENVIRONMENT": str(tmp_path / "mdlc"),
        **{name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))},
    }
    sync = [word for word in sync_command() if word != "--no-cache"]
    subprocess.run(
        [find_uv(ROOT), *sync[1:]],
        cwd=tmp_path / "build",
        env=environment | {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "mdlc")},
        check=True,
        capture_output=True,
    )
    installed = {path.name.partition("-")[0] for path in (tmp_path / "mdlc").rglob("*.dist-info")}
    assert {"pandas", "pandera", "deltalake", "chalice", "aws_lambda_powertools"} <= installed
    assert not {"pytest", "mypy", "mdlc", "mdlc_emulator", "ruff"} & installed
    inside = {
        "PATH": f"{tmp_path / 'mdlc' / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(tmp_path / "srv"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        ["python", "-m", "app.jobs", "check"],
        cwd=tmp_path / "srv",
        env=inside,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "broken" not in json.loads(done.stdout)


@pytest.mark.long
def test_every_library_has_binaries_for_both_machines(tmp_path: Path) -> None:
    uv = find_uv(ROOT)
    locked = tmp_path / "requirements.txt"
    export = [uv, "export", "--frozen", "--quiet", "--only-group=jobs"]
    export += [f"--project={ROOT}", f"--output-file={locked}"]
    subprocess.run(export, check=True, capture_output=True)
    for platform in ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28"):
        done = subprocess.run(
            [
                *(
                    uv,
                    "pip",
                    "install",
                    "--dry-run",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--python-version=3.13",
                ),
                *(f"--python-platform={platform}", f"--target={tmp_path / 'x'}", f"--requirement={locked}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
