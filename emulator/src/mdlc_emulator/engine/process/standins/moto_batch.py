"""For `moto.batch` itself (not its modules): what the package re-exports, imported when it is asked for.

Step Functions wants one enumeration of `moto.batch.utils`. The stock package brings moto's EC2 along with its
lists of every instance type in every region: 120 MB and a second, for whoever lists state machines.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "batch_backends":
        from moto.batch.models import batch_backends

        return batch_backends
    raise AttributeError(name)
