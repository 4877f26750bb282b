"""`python -m mdlc_emulator.algorithms.serve ALGORITHM`: a model server's first process."""

import logging
import os
import sys
import traceback

from mdlc_emulator.algorithms.place import Place
from mdlc_emulator.algorithms.server import Handler, run
from mdlc_emulator.algorithms.specification import NAMES


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM; 1 when the model cannot be loaded, with the reason as the log's last line."""
    algorithm = arguments[0] if arguments else os.environ.get("MDLC_ALGORITHM", "")
    # One thread for each request computes: more would only wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    logging.basicConfig(
        format="[%(asctime)s:%(levelname)s] %(message)s",
        datefmt="%Y-%m-%d:%H:%M:%S",
        level=logging.INFO,
        stream=sys.stdout,
        force=True,
    )
    if algorithm not in NAMES:
        logging.error("There is no algorithm %r here. There are: %s.", algorithm, ", ".join(NAMES))
        return 1

    def load() -> Handler:
        if algorithm == "xgboost":
            if not _has_pickles():
                from mdlc_emulator.algorithms.boosting.lean import import_xgboost

                import_xgboost()
            from mdlc_emulator.algorithms.boosting.serving import load as loaded
        else:
            from mdlc_emulator.algorithms.amazon.serving import load as loaded
        return loaded()

    try:
        run(load)
    except Exception as error:  # noqa: BLE001 the log is where the endpoint's failure reason comes from
        traceback.print_exc()
        logging.error("%s", error)
        return 1
    return 0


def _has_pickles() -> bool:
    """Whether a model may be an object of xgboost's interface to scikit-learn, which must be there then."""
    directory = Place.here().model
    models = [path for path in directory.iterdir() if path.is_file()] if directory.is_dir() else []
    return any(path.open("rb").read(1) == b"\x80" for path in models)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
