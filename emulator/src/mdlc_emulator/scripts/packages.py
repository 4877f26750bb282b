"""Where a job's own packages go: into its environment where that is a private copy, else beside it."""

import os
import sys
import sysconfig
import tempfile


def private_target() -> str | None:
    """A new directory for pip where the environment is not the job's own: it has no file system of its own
    (SAGEMAKER_BASE_DIR), or one that cannot be written. None where pip may install as usual, which is
    forgotten with the container."""
    if "SAGEMAKER_BASE_DIR" not in os.environ and os.access(sysconfig.get_path("purelib"), os.W_OK):
        return None
    return tempfile.mkdtemp(prefix="packages-")


def keep_apart() -> None:
    """Turn pip, and the Python processes that are started from here, to such a directory if one is needed."""
    target = None if "PIP_TARGET" in os.environ else private_target()
    if target is not None:
        os.environ["PIP_TARGET"] = target
        paths = [target, *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        sys.path.insert(0, target)
