"""The module with a user's serving functions: found, its requirements installed, imported, looked through."""

import importlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from mdlc_emulator.scripts import fetching, packages
from mdlc_emulator.scripts.defaults import Defaults

DEFAULT = "inference.py"
"""What the toolkit takes when SAGEMAKER_PROGRAM is not set."""


class ScriptError(Exception):
    """The user's code cannot be served; the message says why and what to do."""


@dataclass(frozen=True)
class Functions:
    """The functions to serve with, the user's or the framework's. `transform_fn` stands in for the other
    three, None where it is not given."""

    model_fn: Callable[[str], Any]
    input_fn: Callable[[Any, str], Any]
    predict_fn: Callable[[Any, Any], Any]
    output_fn: Callable[[Any, str], Any]
    transform_fn: Callable[[Any, Any, str, str], Any] | None
    execution_parameters_fn: Callable[[], Any] | None


def functions(module: ModuleType, defaults: Defaults) -> Functions:
    """What `module` gives, filled up. ScriptError for transform_fn beside one of those it replaces."""
    own = {name: getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn")}
    transform = getattr(module, "transform_fn", None)
    if transform is not None and any(own.values()):
        raise ScriptError(
            "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"
        )
    return Functions(
        model_fn=getattr(module, "model_fn", defaults.model_fn),
        input_fn=own["input_fn"] or defaults.input_fn,
        predict_fn=own["predict_fn"] or defaults.predict_fn,
        output_fn=own["output_fn"] or defaults.output_fn,
        transform_fn=transform,
        execution_parameters_fn=getattr(module, "execution_parameters_fn", None),
    )


def load(base: Path) -> ModuleType:
    """Import SAGEMAKER_PROGRAM from SAGEMAKER_SUBMIT_DIRECTORY, else from the model's `code` folder.

    ScriptError when it is not there; what the module itself raises passes through.
    """
    named = os.environ.get("SAGEMAKER_PROGRAM") or DEFAULT
    directory = _directory(os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY"), base)
    program = directory / named
    if not program.is_file() and not program.is_dir():
        raise ScriptError(
            f"There is no {named} in {directory}: put it into the folder `code` of model.tar.gz, or name it "
            "by SAGEMAKER_PROGRAM and its archive by SAGEMAKER_SUBMIT_DIRECTORY in the model's environment."
        )
    if (directory / "requirements.txt").is_file():
        _install(directory)
    sys.path.insert(0, str(directory))
    importlib.invalidate_caches()
    return importlib.import_module(named.removesuffix(".py").strip("/").replace("/", "."))


def _directory(submitted: str | None, base: Path) -> Path:
    if submitted and submitted.startswith("s3://"):
        return _fetched(submitted, base / "code")
    if submitted and submitted.startswith("/opt/ml"):
        # Where a job has no /opt/ml of its own, this is where its stands.
        return base / Path(submitted).relative_to("/opt/ml")
    if submitted:
        return Path(submitted)
    inside = base / "model" / "code"
    return inside if inside.is_dir() else base / "code"


def _fetched(uri: str, target: Path) -> Path:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "sourcedir.tar.gz"
        if not fetching.download(bucket, key, str(archive), region):
            raise ScriptError(
                f"SAGEMAKER_SUBMIT_DIRECTORY names {uri}, which cannot be read: upload it there."
            )
        target.mkdir(parents=True, exist_ok=True)
        try:
            with tarfile.open(archive) as packed:
                packed.extractall(target, filter="data")
        except tarfile.TarError as error:
            raise ScriptError(f"{uri} is no archive of tar and gzip ({error}).") from None
    return target


def _install(directory: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-r", "requirements.txt"]
    packages.keep_apart()
    print("Installing dependencies from requirements.txt", flush=True)
    done = subprocess.run(command, cwd=directory, check=False)
    if done.returncode:
        raise ScriptError(f"pip could not install requirements.txt (it ended with {done.returncode}).")
