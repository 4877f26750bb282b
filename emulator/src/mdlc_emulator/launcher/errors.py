"""What can go wrong while starting, finding and ending emulators: each message is one sentence with a way
out."""


class EmulatorError(Exception):
    """Any failure of the launcher; `str()` is fit to be shown to a user as it stands."""


class PortTakenError(EmulatorError):
    """Somebody else listens on the port."""


class AlreadyRunningError(PortTakenError):
    """An emulator of this user already listens on the port."""


class NothingRunningError(EmulatorError):
    """There is no emulator where one was looked for."""


class EnvironmentMissingError(EmulatorError):
    """The engine's private environment does not exist and could not be made."""


class StartError(EmulatorError):
    """The engine ended, or did not answer in time, before it was ready; `log_tail` holds its last lines."""

    def __init__(self, sentence: str, log_tail: str = "") -> None:
        super().__init__(sentence)
        self.log_tail = log_tail
