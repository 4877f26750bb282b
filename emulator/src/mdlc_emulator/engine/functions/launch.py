"""How one environment of a function version is launched: which zygote forks it, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.lambda_models import FunctionVersion

from mdlc_emulator.engine.functions import settings
from mdlc_emulator.engine.functions.interpreters import OWN
from mdlc_emulator.engine.functions.versions import Prepared
from mdlc_emulator.engine.functions.zygotes import PRELOADED, ZYGOTES


class Launch:
    """The plan for one environment. `given`: the variables that LocalStack sets."""

    def __init__(self, version: FunctionVersion, prepared: Prepared, given: Mapping[str, object]) -> None:
        self._config = version.config
        self._prepared = prepared
        self._given = given
        self._runtime = str(version.config.runtime)
        self._is_python = self._runtime.startswith("python")
        self._version = self._runtime.removeprefix("python") if self._is_python else OWN
        self._brought: set[str] = set()
        # Code that is edited in place may be readable by its owner only.
        self.zygote = ZYGOTES.get(self._version, PRELOADED if self._is_python else (), prepared.hot)
        self._facts = self.zygote.facts()
        if self._is_python:
            own = settings.python_directories(prepared.code, prepared.layers, self._version)
            self._brought = settings.top_level_modules(own)
            if self._brought & self._facts.modules:
                # The function brings its own boto3, or a module of the name of one that boto3 has loaded.
                self.zygote = ZYGOTES.get(self._version, (), prepared.hot)
                self._facts = self.zygote.facts()
        self.sandboxed = self._facts.sandbox != "none"

    def request(self, address: str, temporary: Path | None) -> dict[str, Any]:
        """What the zygote is told. `address` of the Runtime API; `temporary`: the function's own directory
        for temporary files where there is no sandbox."""
        prepared, configured = self._prepared, self._config.environment or {}
        places = self._places(temporary)
        environment = settings.variables(self._given, configured, self._runtime, places, address)
        argv = settings.program(configured, self._runtime, places, prepared.code, prepared.layers)
        search_path: list[str] = []
        roots = [places.task, places.layers]
        cache = None
        if prepared.bytecode is not None:
            cache = "/var/cache" if self.sandboxed else str(prepared.bytecode)
        if self._is_python:
            search_path = places.search_path(
                self._version, environment.get("PYTHONPATH", ""), self._facts.path
            )
            if argv is not None:
                environment |= {
                    **settings.findable(environment),
                    "MDLC_GUEST": places.rapid,
                    "MDLC_SEARCH_PATH": ":".join(search_path),
                    "MDLC_BROUGHT": ":".join(sorted(self._brought)),
                    "MDLC_ROOTS": ":".join(roots),
                    "MDLC_BYTECODE": cache or "",
                }
        return {
            "code": str(prepared.code),
            "layers": str(prepared.layers) if prepared.has_layers else None,
            "cache": str(prepared.bytecode) if prepared.bytecode else None,
            "roots": roots,
            "bytecode": cache,
            "storage_mb": int(self._config.ephemeral_storage.size),
            "environment": environment,
            "handler": self._config.handler,
            "argv": argv,
            "path": search_path,
            "task_root": places.task,
            "brought": sorted(self._brought),
        }

    def _places(self, temporary: Path | None) -> settings.Places:
        if self.sandboxed:
            return settings.Places(python=f"/var/lang/bin/{self.zygote.program.name}")
        return settings.Places(
            task=str(self._prepared.code),
            layers=str(self._prepared.layers),
            guest=str(self._prepared.guest),
            rapid=settings.GUEST_SOURCE,
            temporary=str(temporary),
            python=str(self.zygote.program),
        )
