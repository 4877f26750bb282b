"""The project that is packaged and deployed: where it lies and what its stages are."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cli.exits import Exit, MdlcError

LOCAL = "local"


@dataclass(frozen=True)
class Project:
    """A directory that Chalice accepts: .chalice/config.json, app.py, chalicelib."""

    root: Path

    @classmethod
    def around(cls, directory: Path) -> "Project":
        """The project that `directory` lies in. Raises MdlcError when there is none."""
        directory = directory.resolve()
        for candidate in (directory, *directory.parents):
            if (candidate / ".chalice" / "config.json").is_file():
                return cls(candidate)
        raise MdlcError(
            f"{directory} lies in no project (no .chalice/config.json there or above):"
            " change to the project first.",
            Exit.USAGE,
        )

    @cached_property
    def config(self) -> dict[str, Any]:
        """.chalice/config.json. Raises MdlcError where it is not JSON."""
        path = self.root / ".chalice" / "config.json"
        try:
            config: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise MdlcError(f"{path} is not valid JSON ({error}): mend it.", Exit.USAGE) from error
        return config

    @property
    def name(self) -> str:
        return str(self.config["app_name"])

    @property
    def stages(self) -> list[str]:
        return list(self.config["stages"])

    def checked(self, stage: str) -> str:
        """`stage`, if there is one of this name. Raises MdlcError."""
        if stage not in self.config["stages"]:
            raise MdlcError(
                f"There is no stage {stage!r}: choose one of {', '.join(self.stages)}.", Exit.USAGE
            )
        return stage

    def prefix(self, stage: str) -> str:
        """What the names of all of a stage's resources begin with."""
        return f"{self.name}-{stage}"

    def architecture(self, stage: str) -> str:
        """The architecture that the stage's functions declare: x86_64 or arm64."""
        settings = self.config["stages"][stage]
        return str(settings.get("lambda_architecture") or self.config.get("lambda_architecture") or "x86_64")

    def functions(self, stage: str) -> list[str]:
        """Full names of the stage's functions, as in AWS. Chalice calls the API's one by the stage alone."""
        prefix = self.prefix(stage)
        names = self.config["stages"][stage]["lambda_functions"]
        return [prefix if name == "api_handler" else f"{prefix}-{name}" for name in names]

    def deployed(self, stage: str) -> list[dict[str, Any]]:
        """What Chalice recorded as deployed, empty when nothing is."""
        path = self._record(stage)
        if not path.exists():
            return []
        return list(json.loads(path.read_text())["resources"])

    def record_deployed(self, stage: str, resources: list[dict[str, Any]]) -> None:
        """Correct what Chalice recorded as deployed."""
        path = self._record(stage)
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "resources": resources}, indent=2))

    def _record(self, stage: str) -> Path:
        return self.root / ".chalice" / "deployed" / f"{stage}.json"
