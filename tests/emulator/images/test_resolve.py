"""From an image URI to a recipe: published images, refusals with a reason, users' files."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.algorithms import specification
from mdlc_emulator.environments.algorithms import ALGORITHMS
from mdlc_emulator.images import catalog, user
from mdlc_emulator.images.names import parse
from mdlc_emulator.images.recipe import UnknownImage, Use
from mdlc_emulator.images.resolve import prepare, resolve

from cli.package_uv import find_uv

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


@pytest.fixture(autouse=True)
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that an emulator was started in, as the launcher says it."""
    monkeypatch.setenv(user.STARTED_IN, str(tmp_path))
    monkeypatch.setenv(user.STARTED_WITH, sys.prefix)
    monkeypatch.delenv(user.FILES, raising=False)
    return tmp_path


def write(directory: Path, text: str) -> Path:
    path = directory / "mdlc-images.toml"
    path.write_text(textwrap.dedent(text))
    return path


# ---- published images --------------------------------------------------------------------------------------


def test_the_xgboost_image_is_the_algorithm_and_the_framework() -> None:
    recipe = resolve(XGBOOST)
    assert (recipe.algorithm, recipe.framework, recipe.version) == ("xgboost", "xgboost", "1.7-1")
    assert recipe.runs.startswith("xgboost 3.")
    assert "sagemaker-core" in recipe.origin


def test_scikit_learn_runs_scripts_only() -> None:
    recipe = resolve("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3")
    assert (recipe.algorithm, recipe.framework, recipe.version) == (None, "scikit-learn", "1.2-1")
    assert set(recipe.programs) == set(Use)


@pytest.mark.parametrize("algorithm", ["linear-learner", "knn", "kmeans", "pca", "lda"])
def test_an_algorithm_trains_and_serves_by_its_own_program(algorithm: str) -> None:
    [account] = catalog.accounts(algorithm)["eu-central-1"]
    recipe = resolve(f"{account}.dkr.ecr.eu-central-1.amazonaws.com/{algorithm}:1")
    assert recipe.algorithm == algorithm
    assert recipe.difference
    for use in (Use.TRAIN, Use.SERVE):
        assert list(recipe.started(use).command)[-2:] == [
            f"mdlc_emulator.algorithms.{use.value}",
            algorithm,
        ]
    with pytest.raises(UnknownImage, match=r"does not run, only: serve, train"):
        recipe.started(Use.RUN)


def test_every_published_image_is_resolved_or_refused_with_a_reason() -> None:
    """Every repository, region, account and version that the SDK knows."""
    resolved = refused = 0
    refusals: dict[str, str] = {}
    for repository, entries in catalog.repositories().items():
        for entry in entries:
            for region, account in catalog._content()["registries"][entry["registries"]].items():
                for tag in entry["tags"]:
                    suffix = f":{tag}" if tag else ""
                    uri = f"{account}.dkr.ecr.{region}.amazonaws.com/{repository}{suffix}"
                    try:
                        recipe = resolve(uri)
                    except UnknownImage as error:
                        refused += 1
                        refusals[uri] = str(error)
                    else:
                        resolved += 1
                        assert recipe.runs
                        assert recipe.needs == (ALGORITHMS.name,)
    for uri, said in refusals.items():
        assert said.startswith(f"The image {uri} is SageMaker's, but ")
    assert resolved > 500
    assert refused > 5000


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (
            XGBOOST.replace("1.7-1", "9.9-1"),
            "has no version '9.9-1': there are 0.90-1, 0.90-2, 1.0-1, 1.2-1, 1.2-2, 1.3-1, 1.5-1, 1.7-1",
        ),
        (XGBOOST.replace("us-east-1", "eu-west-1"), "its account there is 141502667606"),
        (XGBOOST.replace("us-east-1", "us-moon-1"), "it is not published there"),
        ("Not an image", "is no name of an image: write registry/repository:tag"),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:7",
            "add one to mdlc-images.toml in the directory where the emulator is started, [[image]] with "
            'uri = "churn"',
        ),
        (
            "382416733822.dkr.ecr.us-east-1.amazonaws.com/randomcutforest:1",
            f"the algorithm randomcutforest cannot run here: {specification.REFUSED['randomcutforest']}",
        ),
        (
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py312",
            "PyTorch is in none of the emulator's environments and not in the project's",
        ),
    ],
)
def test_what_has_no_recipe_says_why_and_what_to_do(uri: str, said: str) -> None:
    with pytest.raises(UnknownImage) as raised:
        resolve(uri)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_pytorch_s_image_runs_where_the_project_has_pytorch(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py312"
    project = tmp_path_factory.mktemp("project")
    packages = project / "lib" / "python3.13" / "site-packages"
    (packages / "torch-2.9.1.dist-info").mkdir(parents=True)
    monkeypatch.setenv(user.STARTED_WITH, str(project))
    with pytest.raises(
        UnknownImage, match=r"has PyTorch 2\.9\.1 but not what runs scripts: install sagemaker-"
    ):
        resolve(image)
    (packages / "sagemaker_training").mkdir()
    recipe = resolve(image)
    assert (recipe.framework, recipe.version, recipe.runs) == ("pytorch", "2.6.0", "torch 2.9.1")
    assert recipe.started(Use.TRAIN).command[0] == str(project / "bin" / "python")


def test_the_environment_a_recipe_needs_is_installed_by_prepare() -> None:
    prepare(resolve(XGBOOST))
    assert ALGORITHMS.is_complete()


@pytest.mark.parametrize("tag", ["", ":latest", ":1"])
def test_an_algorithm_with_one_version_is_also_its_latest(tag: str) -> None:
    assert resolve(f"382416733822.dkr.ecr.us-east-1.amazonaws.com/pca{tag}").algorithm == "pca"


WORD = st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)*", fullmatch=True)


@given(
    registry=st.sampled_from(
        ["", "localhost:5000", "ghcr.io", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"]
    ),
    repository=st.lists(WORD, min_size=1, max_size=3).map("/".join),
    tag=st.sampled_from(["", "1", "1.0-a_b"]),
    digest=st.sampled_from(["", "sha256:" + "0f" * 32]),
)
def test_a_name_is_taken_apart_as_it_was_put_together(
    registry: str, repository: str, tag: str, digest: str
) -> None:
    first = repository.partition("/")[0]
    if not registry and "/" in repository and "." in first:
        return  # Docker, too, takes such a first part for a registry
    uri = f"{registry}/{repository}" if registry else repository
    uri += (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    name = parse(uri)
    assert name is not None
    assert (name.registry, name.repository, name.tag, name.digest) == (registry, repository, tag, digest)
    assert name.region == ("eu-west-1" if registry.endswith("amazonaws.com") else "")


@pytest.mark.long
def test_the_catalog_is_what_the_script_makes_of_the_sdk(tmp_path: Path) -> None:
    version = catalog.source().removeprefix("sagemaker-core ")
    command = [
        find_uv(Path(__file__).parents[3]),
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--python",
        sys.executable,
    ]
    subprocess.run([*command, "--target", str(tmp_path), f"sagemaker-core=={version}"], check=True)
    from mdlc_emulator.images.catalog_derive import derive, text_of

    assert text_of(derive(tmp_path)) == catalog.FILE.read_text()


# ---- users' recipes ----------------------------------------------------------------------------------------


def test_a_user_s_image_runs_in_the_project_s_environment(started: Path) -> None:
    (started / "container").mkdir()
    write(
        started,
        """\
        [[image]]
        uri = "churn"
        entrypoint = ["python", "-m", "churn"]
        command = ["--help"]
        directory = "container"

        [image.variables]
        MODE = "full"

        [image.mounts]
        "/opt/program" = "container"
        """,
    )
    recipe = resolve("123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:7")
    assert recipe.version == "7"
    assert recipe.origin == f"{started / 'mdlc-images.toml'}:1"
    run = recipe.started(Use.RUN)
    assert list(run.command) == ["python", "-m", "churn", "--help"]
    # Its own programs first; pip, which an environment may lack, is with the Python below it.
    assert run.path == [Path(sys.prefix) / "bin", Path(sys.executable).resolve().parent]
    assert run.environment["MODE"] == "full"
    assert run.working_directory == str(started / "container")
    assert (started / "container", "/opt/program") in run.mounts
    # As Docker joins them: arguments take CMD's place, an entry point takes both places.
    assert list(recipe.started(Use.RUN, arguments=["etl"]).command) == ["python", "-m", "churn", "etl"]
    assert list(recipe.started(Use.RUN, entrypoint=["env"]).command) == ["env"]
    assert list(recipe.started(Use.RUN, ["sh", "-c"], ["true"]).command) == ["sh", "-c", "true"]
    # As SageMaker starts an image: docker run IMAGE train.
    assert list(recipe.started(Use.TRAIN).command) == ["python", "-m", "churn", "train"]
    assert list(recipe.started(Use.SERVE).command) == ["python", "-m", "churn", "serve"]


@pytest.mark.parametrize(
    ("pattern", "image", "stands"),
    [
        ("churn", "churn", True),
        ("churn", "churn:7", True),
        ("churn", "ghcr.io/churn:7", True),
        ("churn", "ghcr.io/team/churn:7", False),
        ("*/churn", "ghcr.io/team/churn:7", True),
        ("churn:7", "ghcr.io/churn:7", True),
        ("churn:7", "ghcr.io/churn:8", False),
        ("churn:latest", "churn", True),
        ("ghcr.io/churn", "ghcr.io/churn:8", True),
        ("ghcr.io/churn:*", "ghcr.io/churn:8", True),
        ("docker.io/churn", "ghcr.io/churn:8", False),
        ("*.dkr.ecr.*.amazonaws.com/churn", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:1", True),
    ],
)
def test_a_pattern_stands_for_a_repository_with_or_without_registry_and_tag(
    started: Path, pattern: str, image: str, stands: bool
) -> None:
    write(started, f'[[image]]\nuri = "{pattern}"\ntrain = ["python", "x.py"]\n')
    if stands:
        assert list(resolve(image).started(Use.TRAIN).command) == ["python", "x.py"]
    else:
        with pytest.raises(UnknownImage, match="No recipe stands for"):
            resolve(image)


def test_a_user_s_recipe_goes_before_a_published_image(started: Path) -> None:
    write(started, '[[image]]\nuri = "sagemaker-xgboost"\ntrain = ["python", "own.py"]\n')
    assert list(resolve(XGBOOST).started(Use.TRAIN).command) == ["python", "own.py"]


def test_a_file_is_read_again_when_it_changes(started: Path) -> None:
    path = write(started, '[[image]]\nuri = "churn"\ntrain = ["first"]\n')
    assert list(resolve("churn").started(Use.TRAIN).command) == ["first"]
    path.write_text('[[image]]\nuri = "churn"\ntrain = ["another"]\n')
    assert list(resolve("churn").started(Use.TRAIN).command) == ["another"]
    path.unlink()
    with pytest.raises(UnknownImage):
        resolve("churn")


def test_more_files_are_named_by_a_variable(
    started: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "team.toml"
    elsewhere.write_text('[[image]]\nuri = "churn"\ntrain = ["theirs"]\n')
    write(started, '[[image]]\nuri = "churn"\ntrain = ["ours"]\n')
    monkeypatch.setenv(user.FILES, str(elsewhere))
    assert list(resolve("churn").started(Use.TRAIN).command) == ["theirs"]
    monkeypatch.setenv(user.FILES, str(started / "none.toml"))
    with pytest.raises(UnknownImage, match=r"MDLC_IMAGE_RECIPES names .*none\.toml, which is no file"):
        resolve("churn")


def test_a_framework_s_programs_run_in_an_environment_of_the_user_s(started: Path) -> None:
    (started / "own" / "bin").mkdir(parents=True)
    (started / "own" / "bin" / "python").symlink_to(sys.executable)
    write(started, '[[image]]\nuri = "pytorch-training"\nenvironment = "own"\nframework = "pytorch"\n')
    recipe = resolve("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py312")
    command = list(recipe.started(Use.TRAIN).command)
    assert command[0] == str(started / "own" / "bin" / "python")
    assert command[-2:] == ["mdlc_emulator.scripts.train", "pytorch"]
    assert recipe.framework == "pytorch"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[image]\n", ":1: this is no TOML: "),
        ('uri = "x"\n', ":1: uri is unknown here: write [[image]] tables"),
        ('[image]\nuri = "x"\n', ":1: write [[image]], with double brackets"),
        ('\n[[image]]\ntrain = ["x"]\n', ":2: uri is missing"),
        ('[[image]]\nuri = "a b"\n', ":2: uri must be a repository"),
        (
            '[[image]]\nuri = "x"\nentry_point = ["y"]\n',
            ":3: entry_point is unknown: did you mean entrypoint?",
        ),
        ('[[image]]\nuri = "x"\ncolour = "y"\n', ":3: colour is unknown: the keys are uri, environment, "),
        (
            '[[image]]\nuri = "x"\n\n[[image]]\nuri = "y"\ntrain = "z"\n',
            ":6: train must be a list of strings",
        ),
        (
            '[[image]]\nuri = "x"\nserve = [1]\n',
            ":3: serve must be a list of strings: the command that serves",
        ),
        (
            '[[image]]\nuri = "x"\nframework = "chainer"\n',
            ":3: framework is 'chainer': it must be one of pytorch",
        ),
        ('[[image]]\nuri = "x"\ndirectory = "gone"\n', ":3: directory: there is no directory "),
        (
            '[[image]]\nuri = "x"\n[image.variables]\nA = 1\n',
            ":4: A in variables must be a string, in quotes",
        ),
        ('[[image]]\nuri = "x"\nvariables = {"A-B" = "1"}\n', ":3: 'A-B' is no name of a variable"),
        (
            '[[image]]\nuri = "x"\n[image.mounts]\n"opt" = "."\n',
            ":4: 'opt' in mounts must be an absolute path",
        ),
        ('[[image]]\nuri = "x"\nenvironment = "gone"\n', "has no bin/python: make it (`uv venv "),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(started: Path, text: str, said: str) -> None:
    path = write(started, text)
    with pytest.raises(UnknownImage) as raised:
        resolve("x")
    assert str(raised.value).startswith(f"{path}:")
    assert said in str(raised.value)


def test_a_use_without_a_command_says_how_to_add_one(started: Path) -> None:
    write(started, '[[image]]\nuri = "churn"\ntrain = ["x"]\n')
    with pytest.raises(
        UnknownImage, match=r"has no command to serve: .* add `serve = \[\.\.\.\]` to its recipe"
    ):
        resolve("churn").started(Use.SERVE)
