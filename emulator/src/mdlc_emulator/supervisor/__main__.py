"""The supervisor's process: `run` an engine below it, or `sweep` after one whose supervisor was killed."""

import os
import sys
from pathlib import Path

if not __package__:  # started by path, with no site-packages: -I -S
    sys.path.insert(0, str(Path(__file__).parents[2]))

from mdlc_emulator.supervisor.spec import Spec
from mdlc_emulator.supervisor.supervise import adopt, supervise, sweep


def main() -> int:
    verb, spec = sys.argv[1], Spec.parse(sys.argv[2])
    if verb == "run":
        return supervise(spec)
    if verb == "adopt":
        return adopt(spec, int(sys.argv[3]))
    return sweep(spec, int(sys.argv[3]))


if __name__ == "__main__":
    os._exit(main())
