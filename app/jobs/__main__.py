"""`python -m app.jobs NAME [ARGUMENT ...]`: runs one job; without a name, lists them."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence

from app import jobs


def names() -> list[str]:
    """Every job there is."""
    return sorted(module.name for module in pkgutil.iter_modules(jobs.__path__) if module.name[0] != "_")


def main(arguments: Sequence[str]) -> int:
    """Run the job that is named first; its exit code, or 2 when there is none of this name."""
    known = names()
    if not arguments or arguments[0] not in known:
        wrong = f"There is no job {arguments[0]!r}: " if arguments else "Name a job: "
        print(wrong + ", ".join(known) + ".", file=sys.stderr)
        return 2
    module = importlib.import_module(f"{jobs.__name__}.{arguments[0]}")
    return int(module.main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
