"""What an algorithm says of itself: which hyperparameters can be tuned, within what, and by which metrics.

Algorithms of SageMaker say it in mdlc_emulator.algorithms.specification, those of the account in their
TrainingSpecification; of a user's own image nothing is known.
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-metrics.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import AwsError, Caller
from mdlc_emulator.engine.sagemaker.algorithms.hyperparameters import check_values
from mdlc_emulator.engine.sagemaker.algorithms.sources import training_specification
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid
from mdlc_emulator.engine.sagemaker.tuning.definitions import Definition
from mdlc_emulator.engine.sagemaker.tuning.ranges import Choice, Number, Range

_SCRIPT = "sagemaker_program"


def check_algorithm(caller: Caller, definition: Definition) -> None:
    """ValidationException for a metric, a hyperparameter or a range that the algorithm does not have."""
    specification = definition.asked["AlgorithmSpecification"]
    if ("TrainingImage" in specification) == ("AlgorithmName" in specification):
        raise invalid(
            "You must specify either an algorithm name or a training image in the AlgorithmSpecification, "
            "but not both."
        )
    if "AlgorithmName" in specification:
        name = specification["AlgorithmName"]
        said = training_specification(caller, name)
        _check_said(definition, name, said)
        return
    image = specification["TrainingImage"]
    algorithm = builtin(image, definition.asked.get("StaticHyperParameters", {}))
    if algorithm is None:
        names = {each["Name"] for each in specification.get("MetricDefinitions", ())}
        if definition.metric not in names:
            raise invalid(
                "A metric is required for this hyperparameter tuning job objective. "
                "Provide a metric in the metric definitions."
            )
        return
    if specification.get("MetricDefinitions"):
        raise invalid(
            "You can't override the metric definitions for Amazon SageMaker algorithms. "
            "Please retry the request without specifying metric definitions."
        )
    _check_builtin(definition, image, algorithm)


def builtin(image: str, static: Mapping[str, str]) -> str | None:
    """The algorithm of SageMaker that the image runs, None for others and for scripts."""
    from mdlc_emulator.algorithms.specification import NAMES
    from mdlc_emulator.images.recipe import UnknownImage
    from mdlc_emulator.images.resolve import resolve

    if _SCRIPT in static:
        return None
    try:
        found = resolve(image)
    except UnknownImage:
        return None  # the training jobs say so
    return found.algorithm if found.algorithm in NAMES else None


def _check_builtin(definition: Definition, image: str, algorithm: str) -> None:
    from mdlc_emulator.algorithms.specification import load

    said = load(algorithm)
    metric = next((each for each in said.metrics if each.name == definition.metric), None)
    _check_metric(definition, image, None if metric is None else metric.direction)
    for each in definition.ranges:
        known = said.hyperparameters.get(said.aliases.get(each.name, each.name))
        if known is None or not known.tunable:
            raise _untunable(each.name, image)
        _check_kind(each, known.kind)
        if isinstance(each, Number) and known.interval is not None:
            if each.low not in known.interval or each.high not in known.interval:
                raise _outside(each, str(known.interval))
        elif isinstance(each, Choice) and known.values:
            for option in each.options:
                if option not in known.values:
                    raise invalid(
                        f"The value [{option}] of the hyperparameter {each.name} is not one of "
                        f"{', '.join(known.values)}."
                    )
    for name in definition.asked.get("StaticHyperParameters", {}):
        if name.startswith("sagemaker_"):
            continue  # the SDK's own: images pass over them
        if said.aliases.get(name, name) not in said.hyperparameters:
            raise invalid(f"The hyperparameter, [{name}], isn't valid for the [{image}] algorithm.")


def _check_metric(definition: Definition, image: str, direction: str | None) -> None:
    """`direction` is that of the metric, None when the algorithm has no such metric."""
    if direction is None:
        raise invalid(
            f"The objective metric, [{definition.metric}], isn't valid for the [{image}] algorithm. "
            "Choose a valid objective metric."
        )
    if direction != definition.direction:
        raise invalid(
            f"The objective metric type, [{definition.direction}], that you specified for objective metric, "
            f"[{definition.metric}], isn't valid for the [{image}] algorithm. "
            "Choose a valid objective metric type."
        )


def _untunable(name: str, image: str) -> AwsError:
    return invalid(
        f"The hyperparameter, [{name}], isn't tunable for the [{image}] algorithm. "
        "Choose a tunable hyperparameter."
    )


def _outside(each: Number, allowed: str) -> AwsError:
    return invalid(
        f"The range [{each.low:g}, {each.high:g}] of the hyperparameter {each.name} is not within {allowed}."
    )


def _check_kind(each: Range, kind: str) -> None:
    given = "Categorical" if isinstance(each, Choice) else "Integer" if each.whole else "Continuous"
    if given != kind:
        raise invalid(
            f"The hyperparameter {each.name} is of type {kind}: a range of type {given} cannot tune it."
        )


def _check_said(definition: Definition, name: str, said: Mapping[str, Any]) -> None:
    """Against an algorithm of the account."""
    objectives = {
        each["MetricName"]: each["Type"] for each in said.get("SupportedTuningJobObjectiveMetrics", ())
    }
    _check_metric(definition, name, objectives.get(definition.metric))
    known = {each["Name"]: each for each in said.get("SupportedHyperParameters", ())}
    for each in definition.ranges:
        hyperparameter = known.get(each.name)
        if hyperparameter is None or not hyperparameter.get("IsTunable"):
            raise _untunable(each.name, name)
        _check_kind(each, hyperparameter["Type"])
        low, high = _bounds(hyperparameter)
        if isinstance(each, Number) and not low <= each.low <= each.high <= high:
            raise _outside(each, f"[{low:g}, {high:g}]")
    middle = {each.name: each.value(0.5) for each in definition.ranges}
    check_values(
        said.get("SupportedHyperParameters", ()),
        {**definition.asked.get("StaticHyperParameters", {}), **middle},
    )


def _bounds(hyperparameter: Mapping[str, Any]) -> tuple[float, float]:
    for kind in ("Integer", "Continuous"):
        if found := hyperparameter.get("Range", {}).get(f"{kind}ParameterRangeSpecification"):
            return float(found["MinValue"]), float(found["MaxValue"])
    return -math.inf, math.inf
