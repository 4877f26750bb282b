"""Modules that scripts for the framework images import from the images' own serving libraries.

Those libraries need packages that have had no release for years. What scripts use of them (encoders, content
types, Response) is this package's, under their names; what an environment really has stays what it is.
"""

import importlib.util
import sys
import types
from typing import Any

from mdlc_emulator.scripts import codecs


class Response:
    """`worker.Response`: what an output_fn or a transform_fn may return."""

    def __init__(
        self,
        response: Any = None,
        accept: str | None = None,  # noqa: ARG002 - ignored there too
        status: int = 200,
        headers: Any = None,
        mimetype: str | None = None,
    ) -> None:
        self.response = response
        self.status = status
        self.headers = dict(headers or {})
        self.mimetype = mimetype or codecs.JSON


def install() -> None:
    """Make the names importable, those that are not there already."""
    content_types = _module("content_types", **_public(codecs, str.isupper))
    encoders = _module("encoders", **_public(codecs, str.islower))
    worker = _module("worker", Response=Response)
    framework = _module("framework", encoders=encoders, content_types=content_types, worker=worker)
    beta = _module("beta", framework=framework)
    errors = _module("errors", UnsupportedFormatError=codecs.UnsupportedFormatError)
    _offer("sagemaker_containers", beta=beta)
    _offer(
        "sagemaker_inference",
        content_types=content_types,
        encoder=_module("encoder", encode=codecs.encode),
        decoder=_module("decoder", decode=codecs.decode),
        errors=errors,
    )
    if importlib.util.find_spec("xgboost") is not None:
        from mdlc_emulator.scripts import dmatrix

        _offer("sagemaker_xgboost_container", encoder=dmatrix)


def _public(module: types.ModuleType, of: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and of(name.replace("8", "").replace("_", ""))
    }


def _module(name: str, **content: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(content)
    return module


def _offer(name: str, **content: types.ModuleType) -> None:
    if importlib.util.find_spec(name) is not None:
        return
    _register(name, _module(name, **content))


def _register(name: str, module: types.ModuleType) -> None:
    sys.modules[name] = module
    inner = {key: value for key, value in vars(module).items() if isinstance(value, types.ModuleType)}
    if not hasattr(module, "__file__"):
        module.__path__ = []
        for key, value in inner.items():
            _register(f"{name}.{key}", value)
