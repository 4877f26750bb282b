"""The `mdlc` command: its list of subcommands, and how a failure of any of them is told."""

import json
import os
import sys
from collections.abc import Sequence

import click

from cli.exits import Exit, MdlcError
from cli.lazy import LazyGroup

COMMANDS = {
    "up": ("cli.up:up", "Start an emulator in the background."),
    "down": ("cli.down:down", "End emulators and remove what they left."),
    "status": ("cli.status:status", "What is running, and how true to AWS it answered."),
    "logs": ("cli.logs:logs", "The engine's log, or a function's."),
    "env": ("cli.env:env", "Lines for the shell that aim every AWS client at the emulator."),
    "demo": ("cli.demo:demo", "A tour: deploy to a fresh emulator, call it, see what was executed."),
    "package": ("cli.package:package", "Build what a deploy uploads."),
    "deploy": ("cli.deploy:deploy", "Deploy the application: stack, functions, workflows."),
    "destroy": ("cli.deploy:destroy", "Remove everything that `deploy` made."),
    "image": (
        "cli.image:image",
        "Images of jobs: what runs in their place here, and building one.",
    ),
    "doctor": ("cli.doctor:doctor", "What this machine has and lacks, each with its remedy."),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="mdlc", prog_name="mdlc")
def mdlc() -> None:
    """The Model Development Life Cycle on serverless AWS, and the whole of it on this machine."""


def _tell(sentence: str, code: Exit, arguments: Sequence[str]) -> None:
    """Say a failure in one sentence: on stderr, and with --json as an object on stdout."""
    if "--json" in arguments:
        click.echo(json.dumps({"error": sentence, "exit_code": int(code)}))
    click.echo(f"mdlc: {sentence}", err=True)


def run(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name); returns the exit code and never raises."""
    try:
        code = mdlc.main(list(arguments), prog_name="mdlc", standalone_mode=False)
    except MdlcError as error:
        _tell(str(error), error.exit_code, arguments)
        return int(error.exit_code)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _tell("Interrupted.", Exit.INTERRUPTED, arguments)
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        return int(Exit.FAILURE)
    except SyntaxError as error:  # in what the user wrote: the application is imported to compile it
        where = f"{os.path.relpath(error.filename)}:{error.lineno}" if error.filename else "The application"
        _tell(f"{where} is not valid Python ({error.msg}): mend it.", Exit.FAILURE, arguments)
        return int(Exit.FAILURE)
    except Exception as error:
        # A fault of ours. Still a sentence; the place is for whoever wants to mend it.
        if os.environ.get("MDLC_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}".rstrip(". ")
        _tell(f"Something went wrong inside ({what}): MDLC_DEBUG=1 shows where.", Exit.FAILURE, arguments)
        return int(Exit.FAILURE)
    return code if isinstance(code, int) else int(Exit.OK)


def main() -> None:
    """Entry point of the console script."""
    sys.exit(run(sys.argv[1:]))
