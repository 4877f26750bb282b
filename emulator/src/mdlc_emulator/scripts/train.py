"""`train FRAMEWORK`: what a framework's image does when SageMaker starts it with the word `train`.

The user's script is run by AWS's own sagemaker-training toolkit, as the published images run it:
https://github.com/aws/sagemaker-scikit-learn-container/blob/master/src/sagemaker_sklearn_container/training.py
The image of xgboost runs the built-in algorithm when the job names no script.
"""

import importlib.util
import json
import os
import runpy
import sys
from pathlib import Path

from mdlc_emulator.scripts import familiar, packages, versions

PROGRAM = "sagemaker_program"


def main() -> None:
    framework = sys.argv[1]
    if framework == "xgboost" and not _names_a_script():
        sys.argv = ["mdlc_emulator.algorithms.train", framework]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return
    if importlib.util.find_spec("sagemaker_training") is None:
        sys.exit(
            f"The environment {sys.prefix} has no sagemaker-training, which runs scripts: install it there "
            "(`pip install sagemaker-training`), or name a command by `train = [...]` in the recipe."
        )
    packages.keep_apart()
    familiar.offer()
    versions.say(framework)
    from mdlc_emulator.scripts import toolkit

    toolkit.train()


def _names_a_script() -> bool:
    if os.environ.get(PROGRAM.upper()):
        return True
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml")
    try:
        given = json.loads((base / "input" / "config" / "hyperparameters.json").read_text())
    except FileNotFoundError:
        return False
    return bool(given.get(PROGRAM))


if __name__ == "__main__":
    main()
