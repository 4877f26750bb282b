"""What a container has left in its directory, read so that nothing leads out of it.

A container may have made a link of any file or directory below its /opt/ml, also while it is read. A link
means something inside the container; out here it would lead to files of this machine.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def opened(root: Path, path: Path) -> BinaryIO:
    """The regular file at `path`, for reading. OSError when there is none, or when it is not inside of the
    directory `root`: looked at once it is open, so that nobody can put a link there in between."""
    # Without O_NONBLOCK the engine would wait for somebody to write to a named pipe.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise OSError(f"{path.name} is not a regular file")
        linux = sys.platform == "linux"
        real = Path(f"/proc/self/fd/{number}").readlink() if linux else path.resolve()
        if not real.is_relative_to(root.resolve()):
            raise OSError(f"{path.name} is a link that leads out of the directory")
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def check_directory(root: Path, directory: Path) -> None:
    """OSError when something else lies where `directory`, below `root`, was, or a link that leads elsewhere.
    It may be missing."""
    inside = directory.resolve().is_relative_to(root.resolve())
    if not inside or (os.path.lexists(directory) and not directory.is_dir()):
        what = directory.relative_to(root).as_posix()
        raise OSError(f"the directory {what} was replaced by a link or a file: leave it where it is")


def files_below(directory: Path) -> Iterator[Path]:
    """Every regular file, in the order of names; a link counts when it leads to a file in the directory."""
    root = directory.resolve()
    for where, directories, names in os.walk(directory):
        directories.sort()
        for name in sorted(names):
            path = Path(where, name)
            if path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(root)):
                yield path
