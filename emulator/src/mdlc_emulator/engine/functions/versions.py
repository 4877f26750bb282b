"""What a function version needs on disk before it can run, kept as long as the version is."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, HotReloadingCode, S3Code

from mdlc_emulator.engine.functions.code_store import CODE, Package
from mdlc_emulator.engine.functions.zygotes import ZYGOTES
from mdlc_emulator.environments.guest import guest_directory


@dataclass(frozen=True)
class Prepared:
    """Directories of this machine: the function's code, its layers merged, the runtime's packages."""

    code: Path
    layers: Path
    guest: Path
    hot: bool
    has_layers: bool
    bytecode: Path | None
    """Where modules compiled by cold starts are kept; none for code that changes under our hands."""
    packages: tuple[tuple[Package, ...], ...]


class Versions:
    """Function versions that are ready to run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, Prepared] = {}

    def prepare(self, version: FunctionVersion) -> Prepared:
        """Unpack code and layers, have a zygote come up. An ArchiveError, SetupError or OSError."""
        key = _key(version)
        with self._lock:
            found = self._all.get(key)
        if found is not None:
            return found
        config = version.config
        guest = guest_directory()
        taken: list[tuple[Package, ...]] = []
        hot = isinstance(config.code, HotReloadingCode)
        if isinstance(config.code, HotReloadingCode):
            code = Path(config.code.get_unzipped_code_location())
            if not code.is_dir():
                raise FileNotFoundError(f"The directory to load code from does not exist: {code}")
        else:
            packages = (_package(_archive(config.code)),)
            code = CODE.acquire(list(packages))
            taken.append(packages)
        layers = tuple(
            _package(layer.code) for layer in config.layers or () if isinstance(layer.code, S3Code)
        )
        if layers:
            opt = CODE.acquire(list(layers))
            taken.append(layers)
        else:
            opt = Path(tempfile.gettempdir()) / "lambda" / "no-layers"
            opt.mkdir(parents=True, exist_ok=True)
        prepared = Prepared(
            code, opt, guest, hot, bool(layers), None if hot else _bytecode(code, opt), tuple(taken)
        )
        with self._lock:
            self._all[key] = prepared
        runtime = str(config.runtime)
        if runtime.startswith("python"):
            ZYGOTES.get(runtime.removeprefix("python"))  # imports what functions need while nobody waits yet
        return prepared

    def get(self, version: FunctionVersion) -> Prepared:
        """What `prepare` made; made now if it is not there."""
        with self._lock:
            found = self._all.get(_key(version))
        return found or self.prepare(version)

    def clean_up(self, version: FunctionVersion) -> None:
        """Give back what `prepare` took."""
        with self._lock:
            prepared = self._all.pop(_key(version), None)
        if prepared is not None:
            for packages in prepared.packages:
                CODE.release(list(packages))


def _key(version: FunctionVersion) -> str:
    return f"{version.qualified_arn}#{version.config.internal_revision}"


def _bytecode(code: Path, layers: Path) -> Path:
    path = Path(tempfile.gettempdir()) / "lambda" / "bytecode" / f"{code.name}-{layers.name}"
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o777)  # functions are another user
    return path


def _archive(code: Any) -> S3Code:
    if not isinstance(code, S3Code):
        raise TypeError(f"A function whose code is {type(code).__name__} cannot be unpacked.")
    return code


def _package(code: S3Code) -> Package:
    return Package(f"{code.code_sha256}:{code.code_size}", code._download_archive_to_file)


VERSIONS = Versions()
