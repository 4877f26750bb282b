"""Hyperparameters as an algorithm's TrainingSpecification describes them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterSpecification.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mdlc_emulator.engine.sagemaker.kernel.errors import invalid

_RANGES = {
    "Integer": "IntegerParameterRangeSpecification",
    "Continuous": "ContinuousParameterRangeSpecification",
    "Categorical": "CategoricalParameterRangeSpecification",
}


def check_specifications(specifications: Sequence[Mapping[str, Any]]) -> None:
    """ValidationException for descriptions that contradict themselves."""
    names = [each["Name"] for each in specifications]
    if len(set(names)) < len(names):
        raise invalid("The names of SupportedHyperParameters must be unique.")
    for each in specifications:
        name, kind, given = each["Name"], each["Type"], each.get("Range", {})
        if len(given) > 1 or any(member != _RANGES.get(kind) for member in given):
            raise invalid(f"The Range of the hyperparameter {name} does not fit its Type {kind}.")
        if kind == "FreeText" and each.get("IsTunable"):
            raise invalid(f"The hyperparameter {name} is of Type FreeText and cannot be tunable.")
        if each.get("IsTunable") and not given:
            raise invalid(f"The tunable hyperparameter {name} must have a Range.")
        if kind in ("Integer", "Continuous") and given:
            low, high = _ends(each)
            if low > high:
                raise invalid(f"The MinValue of the hyperparameter {name} is greater than its MaxValue.")
        if "DefaultValue" in each:
            _check_value(each, each["DefaultValue"])


def check_values(specifications: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> None:
    """ValidationException for values that the specifications do not allow, and for missing ones."""
    known = {each["Name"]: each for each in specifications}
    for name, value in values.items():
        if name.startswith("_tuning_"):
            continue
        if name not in known:
            raise invalid(f"The hyperparameter {name} is not supported by the algorithm.")
        _check_value(known[name], value)
    for name, each in known.items():
        if each.get("IsRequired") and name not in values and "DefaultValue" not in each:
            raise invalid(f"The hyperparameter {name} is required by the algorithm and missing.")


def _check_value(specification: Mapping[str, Any], value: str) -> None:
    name, kind = specification["Name"], specification["Type"]
    given = specification.get("Range", {})
    if kind == "Categorical":
        options = given.get(_RANGES[kind], {}).get("Values")
        if options is not None and value not in options:
            raise invalid(
                f"The value [{value}] of the hyperparameter {name} is not one of {', '.join(options)}."
            )
    if kind not in ("Integer", "Continuous"):
        return
    number = _number(name, kind, value)
    if given:
        low, high = _ends(specification)
        if not low <= number <= high:
            raise invalid(
                f"The value [{value}] of the hyperparameter {name} is not within [{low:g}, {high:g}]."
            )


def _ends(specification: Mapping[str, Any]) -> tuple[float, float]:
    kind, name = specification["Type"], specification["Name"]
    found = specification["Range"][_RANGES[kind]]
    return _number(name, kind, found["MinValue"]), _number(name, kind, found["MaxValue"])


def _number(name: str, kind: str, text: str) -> float:
    try:
        return float(int(text)) if kind == "Integer" else float(text)
    except ValueError:
        raise invalid(f"The value [{text}] of the hyperparameter {name} is not of Type {kind}.") from None
