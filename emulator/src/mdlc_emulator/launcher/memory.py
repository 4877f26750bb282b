"""What an instance holds in memory."""

import re
from contextlib import suppress
from pathlib import Path

from mdlc_emulator.supervisor import host

_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def proportional_mib(pid: int) -> float | None:
    """MiB held by `pid` and all below it, pages that several share counted once (the kernel's PSS); None
    where that cannot be read."""
    total, read = 0, False
    for process in (pid, *host.descendants(pid)):
        with suppress(OSError):
            found = _PSS.search(Path(f"/proc/{process}/smaps_rollup").read_text())
            if found:
                total, read = total + int(found[1]), True
    return round(total / 1024, 1) if read else None
