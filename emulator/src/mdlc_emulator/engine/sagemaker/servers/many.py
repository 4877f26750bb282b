"""Containers that hold many models: loaded when they are first asked for, unloaded when memory is short.

The container's side of it: https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import threading
from collections import OrderedDict
from pathlib import Path

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.models.data import DataError, ModelData
from mdlc_emulator.engine.sagemaker.servers.wire import UnansweredError, Wire

_LOADED, _ALREADY, _NO_MEMORY = 200, 409, 507
LOAD_SECONDS = 60.0


class ModelMissingError(Exception):
    """There is no such model below the prefix; the message is AWS's."""


class NotLoadedError(Exception):
    """The container did not take the model: `status` and `message` are what it answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Models:
    """The models of one container; `path` says where to send an invocation of one of them."""

    def __init__(self, wire: Wire, caller: Caller, prefix: str, directory: Path, cached: bool) -> None:
        """`prefix` is the S3 URI below which models lie, `directory` the machine's for /opt/ml/models."""
        self._wire, self._caller, self._prefix = wire, caller, prefix
        self._directory, self._cached = directory, cached
        self._loaded: OrderedDict[str, str] = OrderedDict()
        self._turn = threading.Lock()

    def path(self, target: str) -> str:
        """The path that invokes the model `target`, which is loaded first if it is not. ModelMissingError,
        NotLoadedError, UnansweredError."""
        with self._turn:
            name = self._loaded.get(target)
            if name is None:
                name = self._load(target)
            self._loaded.move_to_end(target)
        return f"/models/{name}/invoke"

    def done(self, target: str) -> None:
        """An invocation of `target` is over: without a cache the model goes at once."""
        if not self._cached:
            with self._turn:
                if target in self._loaded:
                    self._unload(target)

    @property
    def count(self) -> int:
        return len(self._loaded)

    def _load(self, target: str) -> str:
        name = hashlib.sha256(target.encode()).hexdigest()[:32]
        place = self._directory / name / "model"
        shutil.rmtree(place.parent, ignore_errors=True)
        place.mkdir(parents=True)
        url = f"{self._prefix.rstrip('/')}/{target.lstrip('/')}"
        try:
            ModelData(url).lay(self._caller, place)
        except DataError as error:
            shutil.rmtree(place.parent, ignore_errors=True)
            raise ModelMissingError(str(error)) from error
        body = json.dumps({"model_name": name, "url": f"/opt/ml/models/{name}/model"}).encode()
        while True:
            answer = self._wire.ask(
                "POST", "/models", [("Content-Type", "application/json")], body, LOAD_SECONDS
            )
            if answer.status in (_LOADED, _ALREADY):
                self._loaded[target] = name
                return name
            if answer.status == _NO_MEMORY and self._loaded:
                self._unload(next(iter(self._loaded)))
                continue
            shutil.rmtree(place.parent, ignore_errors=True)
            raise NotLoadedError(answer.status, bytes(answer.body).decode(errors="replace"))

    def _unload(self, target: str) -> None:
        name = self._loaded.pop(target)
        with contextlib.suppress(UnansweredError):  # a container that is gone holds nothing either
            self._wire.ask("DELETE", f"/models/{name}", timeout=LOAD_SECONDS)
        shutil.rmtree(self._directory / name, ignore_errors=True)
