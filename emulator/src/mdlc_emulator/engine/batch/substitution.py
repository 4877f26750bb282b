"""Parameters of a job: `Ref::name` in its command. Pure.

Source: https://docs.aws.amazon.com/batch/latest/userguide/job_definition_parameters.html#parameters
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mdlc_emulator.engine.batch.errors import client_error

PREFIX = "Ref::"


def substitute(command: Sequence[str], parameters: Mapping[str, str]) -> list[str]:
    """`command` with each element `Ref::name` replaced by the parameter `name`.

    An element is replaced as a whole or not at all, and a value is not looked into again. ClientException
    for a name that no parameter has.
    """
    return [_one(element, parameters) for element in command]


def _one(element: str, parameters: Mapping[str, str]) -> str:
    if not element.startswith(PREFIX):
        return element
    name = element.removeprefix(PREFIX)
    if name not in parameters:
        raise client_error(f"Unable to substitute value. No parameter found for reference {name}")
    return parameters[name]
