"""What functions see as /var/runtime: the packages that AWS's Python image brings.

They are pure Python but for an accelerator that other versions than the emulator's own do without, so that
one directory serves every interpreter version.
"""

import os
import shutil
from functools import cache
from pathlib import Path

from mdlc_emulator.environments.installed import Installed, Installer, compile_all

LAUNCHING = "import os, runpy\nrunpy.run_path(os.path.join(os.environ['MDLC_GUEST'], 'bootstrap.py'))\n"


def _lay_out(installer: Installer, fresh: Path, _final: Path) -> None:
    installer.into_directory(GUEST.lock, fresh)
    for useless in ("bin", "simplejson/tests", ".lock"):
        path = fresh / useless
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for native in fresh.glob("runtime_client*"):
        native.unlink()  # breaks after a fork; ours stands in
    (fresh / "bootstrap.py").write_text(LAUNCHING)
    shutil.rmtree(fresh / "__pycache__", ignore_errors=True)
    compile_all(fresh)


GUEST = Installed("guest", "that functions run with (boto3, awslambdaric)", 2, _lay_out)


@cache
def guest_directory() -> Path:
    """Where the guest packages are; installed first if they are missing. SetupError with a way out."""
    return GUEST.directory()


def compile_for(python: str, version: str) -> None:
    """Compile the guest packages once for another interpreter: function processes cannot write there."""
    target = GUEST.place()
    marker = target / "__pycache__" / f"six.cpython-{version.replace('.', '')}.pyc"
    if not marker.exists() and os.access(target, os.W_OK):
        compile_all(target, python)
