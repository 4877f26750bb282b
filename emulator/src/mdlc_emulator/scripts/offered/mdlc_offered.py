"""Makes the emulator's own package importable in a user's process, by its place alone: nothing else that lies
beside it becomes importable."""

import importlib.util
import sys
from pathlib import Path

NAME = "mdlc_emulator"
PLACE = Path(__file__).parents[2]

if NAME not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        NAME, PLACE / "__init__.py", submodule_search_locations=[str(PLACE)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[NAME])
