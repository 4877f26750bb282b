"""Modules that scripts for the framework images import from the images' own libraries.

Those libraries need packages that have had no release for years. What scripts use of them is offered under
their names by the packages in `offered`, last on the module path: what an environment really has comes first.
"""

import sys
from pathlib import Path
from typing import Any

from mdlc_emulator.scripts.codecs import JSON

OFFERED = Path(__file__).with_name("offered")


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
        self.mimetype = mimetype or JSON


def offer() -> None:
    """Make the names importable here, and by the toolkit's PYTHONPATH in the user's process."""
    sys.path.append(str(OFFERED))
