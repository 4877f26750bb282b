"""Runs a module of this package in any interpreter: `python .../launch.py MODULE [ARGUMENT ...]`.

The package's folder may be the engine's whole site-packages, which must not become importable for a user's
code: the package alone is made known here, and nothing is added to the module path.
"""

import importlib.util
import os
import runpy
import sys

NAME = "mdlc_emulator"


def _make_known() -> None:
    place = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - imported at every start
    spec = importlib.util.spec_from_file_location(
        NAME,
        os.path.join(place, "__init__.py"),  # noqa: PTH118
        submodule_search_locations=[place],
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    # The folder of this file, which Python puts first.
    del sys.path[0]
    _make_known()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
