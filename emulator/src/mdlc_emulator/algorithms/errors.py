"""What ends a training program, as SageMaker names it: the user's fault or the algorithm's."""


class TrainingError(Exception):
    """Ends the job. `message` is what the failure file says after `prefix`."""

    prefix = "AlgorithmError"

    def __init__(self, message: str, caused_by: BaseException | None = None) -> None:
        # As the algorithms' own SDK ends a message whose cause it knows.
        self.message = f"{message} (caused by {type(caused_by).__name__})" if caused_by else message
        self.caused_by = caused_by
        super().__init__(self.message)

    def reason(self) -> str:
        """The content of /opt/ml/output/failure."""
        said = f"{self.prefix}: {self.message}"
        return f"{said}\n\nCaused by: {self.caused_by}" if self.caused_by else said


class UserError(TrainingError):
    """What the user gave is wrong, and the user can mend it."""

    prefix = "ClientError"


class AlgorithmError(TrainingError):
    """Something unforeseen happened in the algorithm."""
