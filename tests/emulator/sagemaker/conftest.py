"""An emulator that knows the model servers of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mdlc_emulator.launcher import Instance, start

from tests.emulator.sagemaker import model_servers
from tests.emulator.sagemaker.serving import STARTUP, Serving, recipe


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    recipes = tmp_path_factory.mktemp("recipes") / "mdlc-images.toml"
    recipes.write_text("\n".join(recipe(kind) for kind in model_servers.KINDS))
    instance = start(settings={"MDLC_IMAGE_RECIPES": str(recipes), "MDLC_SAGEMAKER_STARTUP_SECONDS": STARTUP})
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def serving(instance: Instance) -> Serving:
    return Serving(instance)


@pytest.fixture(scope="module")
def echo(serving: Serving) -> str:
    return serving.endpoint(serving.variant(serving.model("echo")))
