"""`python -m mdlc_emulator.engine`: configure LocalStack for one machine, then run it in this process."""

import gc
import os
import sys
from pathlib import Path


def main() -> None:
    # Nothing that is imported is ever garbage: looking for it is a tenth of the start.
    gc.disable()
    from mdlc_emulator.engine.process.handover import receive
    from mdlc_emulator.engine.process.settings import configure

    handover = receive(os.environ)
    configure(os.environ)
    from mdlc_emulator.engine.process import imports

    imports.install()
    if sys.argv[1:2] == ["template"]:
        from mdlc_emulator.engine.process.template import serve

        socket_path, key, idle = sys.argv[2:5]
        sys.exit(serve(Path(socket_path), key, float(idle)))
    from mdlc_emulator.engine.process.run import run

    run(handover)


if __name__ == "__main__":
    main()
