"""SageMaker and Batch by botocore's newest models, not by those of LocalStack's older botocore.

Every loader of this process gets the directory of newer models as its first search path at the moment when it
is first asked for one of these services: starting costs nothing, and both the gateway's parser and the
engine's own clients know the same operations.
"""

import threading
from typing import Any

from botocore.loaders import Loader

from mdlc_emulator.environments.models import MODELS, SERVICES

_turn = threading.Lock()
_stock = Loader.load_service_model


def install() -> None:
    """Before the first request. Further calls change nothing."""
    Loader.load_service_model = _load_service_model


def _load_service_model(
    self: Loader, service_name: str, type_name: str, api_version: str | None = None
) -> Any:
    """botocore's, from the newer models where there are any. SetupError when they cannot be installed."""
    if service_name in SERVICES:
        with _turn:
            directory = str(MODELS.directory())
            if directory not in self.search_paths:
                self.search_paths.insert(0, directory)
    return _stock(self, service_name, type_name, api_version)
