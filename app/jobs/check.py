"""Say what this job's environment is: Python, machine and the libraries' versions, as one JSON object.

Every library that jobs are built on is really imported, so that an image whose binaries do not fit the
machine fails here and not in the first job that needs them.
"""

import importlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Sequence

LIBRARIES = {
    "boto3": "boto3",
    "dask": "dask.dataframe",
    "deltalake": "deltalake",
    "msgspec": "msgspec",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "pandas": "pandas",
    "pandera": "pandera.pandas",
    "pyarrow": "pyarrow.dataset",
}
"""Distribution -> the module of it that jobs import."""


def main(arguments: Sequence[str]) -> int:
    """Print the report. 1 when a library cannot be imported, 2 for arguments: it takes none."""
    if arguments:
        print("check takes no arguments.", file=sys.stderr)
        return 2
    versions: dict[str, str] = {}
    broken: dict[str, str] = {}
    for distribution, module in LIBRARIES.items():
        try:
            importlib.import_module(module)
            versions[distribution] = importlib.metadata.version(distribution)
        except ImportError as error:
            broken[distribution] = str(error)
    report = {"python": platform.python_version(), "machine": platform.machine(), "libraries": versions}
    print(json.dumps(report | ({"broken": broken} if broken else {})))
    return 1 if broken else 0
