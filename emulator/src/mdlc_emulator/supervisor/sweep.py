"""Removing what an instance leaves on disk."""

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def _unlock(function: Callable[[str], Any], path: str, error: BaseException) -> None:
    """A function may have taken its own rights away from a directory: give them back and try once more."""
    if isinstance(error, FileNotFoundError):
        return
    for place in (os.path.dirname(path), path):  # noqa: PTH120 - shutil hands over a plain string
        with suppress(OSError):
            os.chmod(place, stat.S_IRWXU)  # noqa: PTH101
    with suppress(OSError):
        if function is os.rmdir or os.path.isdir(path):  # noqa: PTH112
            shutil.rmtree(path, ignore_errors=True)
        else:
            function(path)


def remove_tree(path: str) -> bool:
    """Remove a directory and all below it; whether it is gone."""
    for _ in range(3):
        with suppress(FileNotFoundError):
            shutil.rmtree(path, onexc=_unlock)
        if not os.path.lexists(path):  # a link that points nowhere is still there
            return True
    return False


def keep_log(log: str, kept: str) -> None:
    """Keep the log of an engine that ended without being asked to: the home directory goes, this stays."""
    with suppress(OSError):
        Path(kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, kept)
