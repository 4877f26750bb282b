"""Recipes for the images that AWS publishes for SageMaker; refusals where nothing here honestly stands for
one."""

import re
from functools import cache
from pathlib import Path

from mdlc_emulator.algorithms import specification
from mdlc_emulator.environments.algorithms import ALGORITHMS
from mdlc_emulator.images import catalog, programs, user
from mdlc_emulator.images.catalog import Known
from mdlc_emulator.images.names import ImageName
from mdlc_emulator.images.recipe import Program, Recipe, UnknownImage, Use

FRAMEWORKS = {
    "autogluon": "AutoGluon",
    "chainer": "Chainer",
    "huggingface": "Hugging Face",
    "mxnet": "MXNet",
    "pytorch": "PyTorch",
    "tensorflow": "TensorFlow",
}
"""Frameworks whose images run scripts, and which the emulator's environments do not hold."""

PYTORCH = "pytorch"
SCIKIT_LEARN = "scikit-learn"
XGBOOST = "xgboost"
SCRIPT_DIFFERENCE = "Scripts run on the libraries named here, whatever version the image's tag says."


@cache
def library(name: str) -> str:
    """ "xgboost 3.4.1": a library of the algorithms environment with its locked version."""
    found = re.search(rf"^{re.escape(name)}(?:-cpu)?==(\S+)", ALGORITHMS.lock.read_text(), re.MULTILINE)
    assert found is not None, name
    return f"{name} {found[1]}"


def recipe(name: ImageName, known: Known) -> Recipe:
    """What stands for a published image. UnknownImage with the reason where nothing does."""
    environment = ALGORITHMS.place()
    if known.framework == "sklearn":
        return _recipe(
            name,
            known,
            programs.script_mode(environment, SCIKIT_LEARN, {"MDLC_IMAGE_VERSION": known.version}),
            framework=SCIKIT_LEARN,
            runs=library(SCIKIT_LEARN),
            difference=SCRIPT_DIFFERENCE,
        )
    if known.framework in specification.NAMES:
        return _algorithm(name, known, environment)
    if known.framework in ("sagemaker-base-python",):
        python = programs.shell(environment)
        return _recipe(name, known, dict.fromkeys((Use.TRAIN, Use.RUN), python), runs="python 3.13")
    if known.framework == PYTORCH and (found := _torch(user.project())) is not None:
        return _in_project(name, known, *found)
    raise UnknownImage(_refusal(name, known))


def _torch(environment: Path) -> tuple[Path, str] | None:
    """The environment and the version of PyTorch in it, if it has one."""
    for described in environment.glob("lib/python3*/site-packages/torch-*.dist-info"):
        return environment, described.name.removeprefix("torch-").removesuffix(".dist-info")
    return None


def _in_project(name: ImageName, known: Known, environment: Path, version: str) -> Recipe:
    """PyTorch's image, where the project has PyTorch: its environment runs the scripts."""
    if not any(environment.glob("lib/python3*/site-packages/sagemaker_training")):
        raise UnknownImage(
            f"The image {name.uri} would run in {environment}, which has PyTorch {version} but not what runs "
            "scripts: install sagemaker-training there."
        )
    return Recipe(
        image=name.uri,
        origin=f"published by AWS ({catalog.source()}), run by {environment}",
        programs=programs.script_mode(environment, PYTORCH, {"MDLC_IMAGE_VERSION": known.version}),
        framework=PYTORCH,
        version=known.version,
        runs=f"torch {version}",
        difference=f"{SCRIPT_DIFFERENCE} Models are served by functions of one's own: predict_fn is needed.",
    )


def supported() -> list[str]:
    """The repositories that have a recipe."""
    wanted = {*specification.NAMES, "sklearn", "sagemaker-base-python"}
    return [
        repository
        for repository, entries in catalog.repositories().items()
        if any(entry["framework"] in wanted for entry in entries)
    ]


def _algorithm(name: ImageName, known: Known, environment: Path) -> Recipe:
    algorithm = known.framework
    described = specification.load(algorithm)
    variables = {"MDLC_IMAGE_VERSION": known.version}
    if algorithm == XGBOOST:
        # The same image runs scripts, when the job names one.
        uses = programs.script_mode(environment, XGBOOST, variables)
        framework, runs = XGBOOST, library(XGBOOST)
    else:
        uses = {
            use: programs.module(
                environment, f"mdlc_emulator.algorithms.{use.value}", algorithm, variables=variables
            )
            for use in (Use.TRAIN, Use.SERVE)
        }
        framework, runs = None, ", ".join(map(library, described.runs.split(", ")))
    return _recipe(
        name,
        known,
        uses,
        algorithm=algorithm,
        framework=framework,
        runs=runs,
        difference=described.difference,
    )


def _recipe(
    name: ImageName,
    known: Known,
    uses: dict[Use, Program],
    *,
    runs: str,
    algorithm: str | None = None,
    framework: str | None = None,
    difference: str = "",
) -> Recipe:
    return Recipe(
        image=name.uri,
        origin=f"published by AWS ({catalog.source()})",
        programs=uses,
        algorithm=algorithm,
        framework=framework,
        version=known.version,
        runs=runs,
        difference=difference,
        needs=(ALGORITHMS.name,),
    )


def _refusal(name: ImageName, known: Known) -> str:
    framework = next((word for word in FRAMEWORKS if known.framework.startswith(word)), None)
    if known.framework in specification.REFUSED:
        reason = f"the algorithm {known.framework} cannot run here: {specification.REFUSED[known.framework]}"
    elif framework is not None:
        reason = f"{FRAMEWORKS[framework]} is in none of the emulator's environments"
        if known.framework == PYTORCH:
            reason += " and not in the project's"
    else:
        reason = f"nothing here stands for {known.framework}"
    return (
        f"The image {name.uri} is SageMaker's, but {reason}. To run it in an environment of your own, add a "
        f'recipe to mdlc-images.toml: [[image]] with uri = "{known.repository}" and environment = "..." '
        "(docs/emulator-images.md)."
    )
