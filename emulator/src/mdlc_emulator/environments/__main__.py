"""`python -m mdlc_emulator.environments [--uv UV] [NAME ...]`: install what is missing or out of date."""

import argparse
import sys

from mdlc_emulator.environments.algorithms import ALGORITHMS
from mdlc_emulator.environments.guest import GUEST
from mdlc_emulator.environments.installed import SetupError
from mdlc_emulator.environments.models import MODELS

ALL = {installed.name: installed for installed in (GUEST, MODELS, ALGORITHMS)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mdlc_emulator.environments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ({', '.join(ALL)}); all of them")
    parser.add_argument("--uv", help="the uv to install with")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in ALL]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(ALL)}")
    for name in asked.names or ALL:
        try:
            done = ALL[name].build(asked.uv)
        except SetupError as error:
            sys.exit(str(error))
        print(f"{ALL[name].place()}: {'installed' if done else 'up to date'}", flush=True)


if __name__ == "__main__":
    main()
