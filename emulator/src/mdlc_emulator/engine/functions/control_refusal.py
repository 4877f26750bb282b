"""What cannot run on this machine is refused when it is created, not when it is invoked."""

from collections.abc import Sequence

from localstack.aws.api.lambda_ import InvalidParameterValueException

from mdlc_emulator.engine.functions.refusal import refusal


def refuse(
    *, runtime: str | None, package_type: str, architectures: Sequence[str], managed_instances: bool = False
) -> None:
    """An InvalidParameterValueException that says why and what to do, if such a function cannot run here."""
    if managed_instances:
        raise InvalidParameterValueException(
            "Lambda Managed Instances (CapacityProviderConfig) do not exist in this emulator. Leave "
            "CapacityProviderConfig out to run the function on demand.",
            Type="User",
        )
    if package_type == "Zip" and runtime is None:
        return  # LocalStack refuses it, in AWS's words
    reason = refusal(runtime, package_type, architectures)
    if reason:
        raise InvalidParameterValueException(reason, Type="User")
