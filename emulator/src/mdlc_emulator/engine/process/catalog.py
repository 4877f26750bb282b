"""LocalStack's index of AWS's services, made once for a machine instead of once for an instance.

To find out which service a request means, LocalStack reads the models of all 400 of them: 3 s and 380 MB,
kept for the engine's life. It looks for a ready index among its static libraries first, so that is where
this puts one. It is made by a process of its own, which takes the memory with it.
"""

import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

LOG = logging.getLogger(__name__)

_BUILDER = """
import sys
from localstack.aws.spec import LazyServiceCatalogIndex, save_service_index_cache
save_service_index_cache(LazyServiceCatalogIndex(), sys.argv[1])
"""


def cache_directory() -> Path:
    """$XDG_CACHE_HOME/mdlc-emulator, else ~/.cache/mdlc-emulator."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mdlc-emulator"


def install() -> None:
    """Put the index where LocalStack looks for it, making it first where this machine has none yet (3 s).

    Without a writable cache directory LocalStack makes one of its own, as ever.
    """
    from localstack import config

    try:
        kept = made()
        link = Path(config.dirs.static_libs) / _name()
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(kept)
    except (OSError, subprocess.SubprocessError) as error:
        LOG.warning("No ready index of AWS's services (%s): the first request takes 3 s.", error)


def made() -> Path:
    """The index, made if this machine has none yet. OSError or SubprocessError when it cannot be."""
    from localstack.aws import spec

    # Another interpreter's site-packages may hold other models under the same version.
    origin = hashlib.sha256(str(Path(spec.__file__)).encode()).hexdigest()[:8]
    kept = cache_directory() / f"{origin}-{_name()}"
    if not kept.exists():
        _build(kept)
    return kept


def _name() -> str:
    from localstack.aws import spec

    return str(spec._get_catalog_filename())  # type: ignore[no-untyped-call]


def _build(kept: Path) -> None:
    LOG.info("Indexing AWS's services, once for this machine")
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_name(f".{kept.name}.{os.getpid()}")
    try:
        subprocess.run(
            [sys.executable, "-c", _BUILDER, str(fresh)], check=True, timeout=60, stdin=subprocess.DEVNULL
        )
        fresh.rename(kept)
    finally:
        fresh.unlink(missing_ok=True)


if __name__ == "__main__":  # part of set-up, so that not even the first start waits for it
    print(made())
