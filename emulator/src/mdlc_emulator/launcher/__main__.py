"""`mdlc-emulator`: start, end, find and use an emulator from a shell, in projects that have only this
distribution. Standard library only; exit codes as those of `mdlc`: 0 done, 1 failed, 2 usage, 3 nothing
running, 4 port taken, 5 something is lacking."""

import argparse
import json
import sys
from collections.abc import Sequence

from mdlc_emulator.launcher import template
from mdlc_emulator.launcher.errors import (
    EmulatorError,
    EnvironmentMissingError,
    NothingRunningError,
    PortTakenError,
    StartError,
)
from mdlc_emulator.launcher.instance import Instance, instances, running, start

DEFAULT_PORT = 4566
_CODES = {NothingRunningError: 3, PortTakenError: 4, EnvironmentMissingError: 5}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mdlc-emulator", description="AWS on one machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start one in the background")
    up.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"where it listens ({DEFAULT_PORT})")
    up.add_argument("--strict", action="store_true", help="answer what is not really executed with an error")
    up.add_argument("--template", action="store_true", help="keep a template for quicker starts")
    down = verbs.add_parser("down", help="end it")
    down.add_argument("--port", type=int, help="the only one that runs, if none is named")
    down.add_argument("--all", action="store_true", help="all in the background, and the template")
    verbs.add_parser("status", help="what is running, as JSON")
    env = verbs.add_parser("env", help="lines for the shell that aim AWS clients at it")
    env.add_argument("--port", type=int, help="the only one that runs, if none is named")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        {"up": _up, "down": _down, "status": _status, "env": _env}[chosen.verb](chosen)
    except EmulatorError as error:
        if isinstance(error, StartError) and error.log_tail:
            print(error.log_tail, file=sys.stderr)
        print(f"mdlc-emulator: {str(error).replace('`mdlc ', '`mdlc-emulator ')}", file=sys.stderr)
        return next((code for kind, code in _CODES.items() if isinstance(error, kind)), 1)
    except KeyboardInterrupt:
        print("mdlc-emulator: Interrupted.", file=sys.stderr)
        return 130
    return 0


def _up(chosen: argparse.Namespace) -> None:
    settings = {"MDLC_STRICT": "1"} if chosen.strict else {}
    instance = start(
        chosen.port,
        settings=settings,
        background=True,
        template=chosen.template or None,
        progress=lambda words: print(f"{words} ...", file=sys.stderr),
    )
    print(f"{instance.endpoint_url} is ready; its log is {instance.log}")


def _down(chosen: argparse.Namespace) -> None:
    for instance in _background() if chosen.all else [running(chosen.port)]:
        instance.stop()
        print(f"The emulator on port {instance.port} has ended")
    if chosen.all and (kept := template.current()) is not None:
        kept.stop()
        print("The template process has ended")


def _background() -> list[Instance]:
    return [instance for instance in instances() if instance.details.get("kind") == "background"]


def _status(_: argparse.Namespace) -> None:
    found = [
        {"port": instance.port, "endpoint_url": instance.endpoint_url, "log": str(instance.log)}
        for instance in instances()
    ]
    print(json.dumps({"instances": found}, indent=2))


def _env(chosen: argparse.Namespace) -> None:
    print(f"export AWS_ENDPOINT_URL={running(chosen.port).endpoint_url}")
    print("export AWS_ACCESS_KEY_ID=000000000000")
    print("export AWS_SECRET_ACCESS_KEY=test")
    print("export AWS_DEFAULT_REGION=us-east-1")


if __name__ == "__main__":
    sys.exit(main())
