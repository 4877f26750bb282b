"""Exit codes and the one error type of the `mdlc` command. docs/cli.md lists the codes for users."""

from enum import IntEnum


class Exit(IntEnum):
    """What each exit code of `mdlc` means."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOTHING_RUNNING = 3
    PORT_TAKEN = 4
    LACKING = 5
    """This machine lacks something that is needed: `mdlc doctor` says what."""
    INTERRUPTED = 130


class MdlcError(Exception):
    """A failure said to the user: one sentence that ends with the way out, and the exit code."""

    def __init__(self, sentence: str, exit_code: Exit = Exit.FAILURE) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
