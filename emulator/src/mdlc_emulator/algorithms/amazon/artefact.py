"""What a training leaves in the model directory: arrays and facts in one file, `model_algo-1`.

The name is that of Amazon's artefact, the content is not (theirs is MXNet's): numpy's archive, which holds
numbers and one JSON text, so loading it runs no code of anybody's.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

NAME = "model_algo-1"
_FACTS = "facts"


class ArtefactError(RuntimeError):
    """The model directory holds no artefact of ours."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """`facts` is JSON: at least `algorithm`."""

    facts: Mapping[str, Any]
    arrays: Mapping[str, Any]

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        facts: Any = np.frombuffer(json.dumps(self.facts).encode(), np.uint8)
        np.savez(buffer, **{_FACTS: facts, **self.arrays})
        (directory / NAME).write_bytes(buffer.getvalue())

    @classmethod
    def load(cls, directory: Path) -> "Artefact":
        """The artefact in `directory`. ArtefactError with what to do."""
        path = directory / NAME
        if not path.is_file():
            raise ArtefactError(f"There is no {NAME} in the model: train it here first")
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            facts = json.loads(arrays.pop(_FACTS).tobytes())
        except (ValueError, KeyError, OSError) as error:
            raise ArtefactError(
                f"{NAME} was not made here: an artefact of SageMaker's own algorithm is MXNet's and cannot "
                "be served. Train the model here."
            ) from error
        return cls(facts, arrays)
