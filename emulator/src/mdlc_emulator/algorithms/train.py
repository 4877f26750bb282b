"""`python -m mdlc_emulator.algorithms.train ALGORITHM`: a training container's first process."""

import logging
import os
import sys
import traceback

from mdlc_emulator.algorithms import stopping
from mdlc_emulator.algorithms.errors import AlgorithmError, TrainingError, UserError
from mdlc_emulator.algorithms.place import Place
from mdlc_emulator.algorithms.specification import NAMES


def main(arguments: list[str]) -> int:
    """Train; the exit code. What went wrong is in the failure file and in the log."""
    algorithm = arguments[0] if arguments else os.environ.get("MDLC_ALGORITHM", "")
    # Threads that wait for each other sleep instead of spinning: several jobs share this machine, and four
    # at once on two processors spent six times the processor time on waiting as on training.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    stopping.watch()
    _log(algorithm)
    place = Place.here()
    try:
        _run(algorithm, place)
    except TrainingError as error:
        return _failed(place, algorithm, error)
    except Exception as error:  # noqa: BLE001 whatever it is, the job's description must say it
        traceback.print_exc()
        return _failed(place, algorithm, AlgorithmError(str(error) or type(error).__name__, error))
    return 0


def _run(algorithm: str, place: Place) -> None:
    if algorithm not in NAMES:
        raise UserError(f"There is no algorithm {algorithm!r} here. There are: {', '.join(NAMES)}.")
    if algorithm == "xgboost":
        from mdlc_emulator.algorithms.boosting.lean import import_xgboost

        import_xgboost()
        from mdlc_emulator.algorithms.boosting.training import train

        train(place)
    else:
        from mdlc_emulator.algorithms.amazon.training import train as train_amazon

        train_amazon(algorithm, place)


def _failed(place: Place, algorithm: str, error: TrainingError) -> int:
    reason = error.reason()
    logging.error("%s", reason)
    place.fail(reason)
    # Amazon's own algorithms tell by the code whose fault it was.
    return 2 if algorithm != "xgboost" and isinstance(error, UserError) else 1


def _log(algorithm: str) -> None:
    """The log's form, as the algorithm's image has it."""
    if algorithm == "xgboost":
        form, dates = "[%(asctime)s:%(levelname)s] %(message)s", "%Y-%m-%d:%H:%M:%S"
    else:
        form, dates = "[%(asctime)s %(levelname)s %(thread)d] %(message)s", "%m/%d/%Y %H:%M:%S"
    logging.basicConfig(format=form, datefmt=dates, level=logging.INFO, stream=sys.stdout, force=True)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the libraries' own ends: they take time and change nothing.
    os._exit(code)
