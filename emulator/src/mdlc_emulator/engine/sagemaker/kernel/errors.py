"""SageMaker's errors and how they are worded.

Codes: https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html and each operation's page;
the wordings are those that the service answers and that its SDKs look for.
"""

from collections.abc import Callable

from mdlc_emulator.engine.aws_error import AwsError


def invalid(message: str) -> AwsError:
    """ValidationException."""
    return AwsError("ValidationException", message)


def not_found(message: str = "Requested resource not found.") -> AwsError:
    """ResourceNotFound: the operations of newer resources."""
    return AwsError("ResourceNotFound", message)


def in_use(message: str) -> AwsError:
    """ResourceInUse."""
    return AwsError("ResourceInUse", message)


def limit_exceeded(message: str) -> AwsError:
    """ResourceLimitExceeded."""
    return AwsError("ResourceLimitExceeded", message)


def conflict(message: str) -> AwsError:
    """ConflictException."""
    return AwsError("ConflictException", message)


def unsupported(what: str, way_out: str) -> AwsError:
    """What the emulator does not do, refused before anything is made: `what` names the member or value,
    `way_out` says what can be used instead."""
    return AwsError("ValidationException", f"The emulator does not support {what}. {way_out}")


def could_not_find(noun: str) -> Callable[[str], AwsError]:
    """`Could not find model "arn:..."`, as models, endpoint configurations and endpoints answer."""
    return lambda arn: invalid(f'Could not find {noun} "{arn}".')


def already_existing(noun: str) -> Callable[[str], AwsError]:
    """`Cannot create already existing model "arn:..."`."""
    return lambda arn: invalid(f'Cannot create already existing {noun} "{arn}".')


def requested_not_found(arn: str) -> AwsError:
    """How jobs answer for a name that is not there."""
    return invalid("Requested resource not found.")


def name_taken(noun: str) -> Callable[[str], AwsError]:
    """How jobs answer for a name that is taken. `noun` with a capital: "Training job"."""
    return lambda arn: in_use(
        f"{noun} names must be unique within an AWS account and region, "
        f"and a {noun[0].lower()}{noun[1:]} with this name already exists ({arn})"
    )
