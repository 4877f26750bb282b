"""What CreateHyperParameterTuningJob looks at before it makes a tuning job.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mdlc_emulator.engine.aws_error import Caller
from mdlc_emulator.engine.sagemaker.kernel.checks import check_role
from mdlc_emulator.engine.sagemaker.kernel.errors import invalid, limit_exceeded, unsupported
from mdlc_emulator.engine.sagemaker.kernel.resource import Request
from mdlc_emulator.engine.sagemaker.kernel.tags import check_tags
from mdlc_emulator.engine.sagemaker.tuning.builtin import check_algorithm
from mdlc_emulator.engine.sagemaker.tuning.definitions import Definition
from mdlc_emulator.engine.sagemaker.tuning.ranges import Choice, RangeError, combinations, read

MOST_JOBS = 750
MOST_RANDOM_JOBS = 10_000
MOST_PARALLEL = 100
MOST_RANGES = 30
MOST_DEFINITIONS = 10
MOST_RESOURCE = 20_000

EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Static hyperparameters that Hyperband reads its MaxResource from."""


def check(caller: Caller, request: Request) -> list[Definition]:
    """The definitions of the request. The error that AWS answers, or the emulator's refusal."""
    check_tags(request.get("Tags"))
    config = request["HyperParameterTuningJobConfig"]
    if "Autotune" in request:
        raise unsupported("Autotune", "Name ParameterRanges and ResourceLimits yourself.")
    definitions = [_definition(asked, config) for asked in _asked(request, config)]
    for definition in definitions:
        _check_definition(caller, definition)
    _check_strategy(config, definitions)
    _check_limits(config, definitions)
    return definitions


def _asked(request: Request, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One definition, with ranges and objective in the tuning job's configuration; or several, with theirs
    in themselves."""
    single, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if (single is None) == (several is None):
        raise invalid(
            "You must specify either TrainingJobDefinition or TrainingJobDefinitions, but not both."
        )
    if several is not None:
        if len(several) > MOST_DEFINITIONS:
            raise invalid(f"A tuning job has at most {MOST_DEFINITIONS} TrainingJobDefinitions.")
        if {"ParameterRanges", "HyperParameterTuningJobObjective"} & config.keys():
            raise invalid(
                "With TrainingJobDefinitions, ranges and objectives must be specified in each definition: "
                "HyperParameterRanges and TuningObjective."
            )
        names = [each.get("DefinitionName") for each in several]
        if None in names or len(set(names)) < len(names):
            raise invalid("Each of the TrainingJobDefinitions must have a DefinitionName of its own.")
        for each in several:
            if "TuningObjective" not in each:
                raise invalid(f"The training job definition {each['DefinitionName']} has no TuningObjective.")
        return list(several)
    assert single is not None
    if {"HyperParameterRanges", "TuningObjective"} & single.keys():
        raise invalid(
            "With TrainingJobDefinition, ranges and the objective must be specified in "
            "HyperParameterTuningJobConfig: ParameterRanges and HyperParameterTuningJobObjective."
        )
    if "HyperParameterTuningJobObjective" not in config:
        raise invalid("HyperParameterTuningJobObjective is required in HyperParameterTuningJobConfig.")
    return [single]


def _definition(asked: Mapping[str, Any], config: Mapping[str, Any]) -> Definition:
    objective = asked.get("TuningObjective") or config["HyperParameterTuningJobObjective"]
    ranges = asked.get("HyperParameterRanges") or config.get("ParameterRanges", {})
    if ranges.get("AutoParameters"):
        raise unsupported("AutoParameters", "Name a range for each hyperparameter to tune.")
    try:
        found = tuple(read(ranges))
    except RangeError as error:
        raise invalid(str(error)) from None
    sign = 1.0 if objective["Type"] == "Maximize" else -1.0
    return Definition(asked.get("DefinitionName"), objective["MetricName"], sign, found, asked)


def _check_definition(caller: Caller, definition: Definition) -> None:
    names = [each.name for each in definition.ranges]
    if not names:
        raise invalid("At least one hyperparameter range must be specified.")
    if len(names) > MOST_RANGES:
        raise limit_exceeded(f"A tuning job searches at most {MOST_RANGES} hyperparameters.")
    if len(set(names)) < len(names):
        raise invalid(f"The hyperparameter {_twice(names)} has more than one range.")
    static = definition.asked.get("StaticHyperParameters", {})
    if both := sorted(set(names) & static.keys()):
        raise invalid(f"The hyperparameter {both[0]} is both static and tuned.")
    if reserved := sorted(name for name in (*names, *static) if name.startswith("_tuning_")):
        raise invalid(f"The hyperparameter name {reserved[0]} is reserved for tuning jobs.")
    if ("ResourceConfig" in definition.asked) == ("HyperParameterTuningResourceConfig" in definition.asked):
        raise invalid(
            "You must specify exactly one of ResourceConfig and HyperParameterTuningResourceConfig."
        )
    check_role(caller, definition.asked["RoleArn"])
    check_algorithm(caller, definition)
    _check_training(caller, definition)


def _twice(names: list[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def _check_training(caller: Caller, definition: Definition) -> None:
    """A training job of the definition could be made: what CreateTrainingJob would answer."""
    from mdlc_emulator.engine.sagemaker.training.checks import check as check_training
    from mdlc_emulator.engine.sagemaker.training.checks import check_places

    middle = {each.name: each.value(0.5) for each in definition.ranges}
    request = definition.request("tuning-001-00000000", middle, [])
    check_training(caller, request)
    check_places(caller, request)


def _check_strategy(config: Mapping[str, Any], definitions: list[Definition]) -> None:
    strategy = config["Strategy"]
    hyperband = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig")
    if hyperband is not None and strategy != "Hyperband":
        raise invalid("HyperbandStrategyConfig should be provided only if Hyperband is the Strategy.")
    if strategy == "Hyperband":
        if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
            raise invalid("TrainingJobEarlyStoppingType must be OFF to use Hyperband.")
        for definition in definitions:
            resources(config, definition)
    if strategy == "Grid":
        for definition in definitions:
            if not all(isinstance(each, Choice) for each in definition.ranges):
                raise invalid("Grid search supports only categorical hyperparameters.")


def resources(config: Mapping[str, Any], definition: Definition) -> tuple[int, int]:
    """Hyperband's MinResource and MaxResource, in epochs. ValidationException where there is no maximum."""
    asked = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    most = asked.get("MaxResource")
    if most is None:
        static = definition.asked.get("StaticHyperParameters", {})
        texts = [static[name].strip('"') for name in EPOCHS if name in static]
        most = next((int(text) for text in texts if text.isdigit()), None)
    if most is None:
        raise invalid(
            "MaxResource of HyperbandStrategyConfig is not provided and could not be inferred from any of "
            f"the StaticHyperParameters {', '.join(EPOCHS)}."
        )
    least = asked.get("MinResource", 1)
    if most > MOST_RESOURCE:
        raise invalid(f"MaxResource [{most}] must be less than or equal to {MOST_RESOURCE}.")
    if least >= most:
        raise invalid(f"MinResource [{least}] must be less than MaxResource [{most}].")
    return least, most


def _check_limits(config: Mapping[str, Any], definitions: list[Definition]) -> None:
    limits = config["ResourceLimits"]
    strategy, jobs = config["Strategy"], limits.get("MaxNumberOfTrainingJobs")
    space = sum(combinations(each.ranges) for each in definitions)
    if strategy == "Grid":
        if jobs is not None and jobs != space:
            raise invalid(
                f"The value of MaxNumberOfTrainingJobs, [{jobs}], must be equal to the total number of "
                f"hyperparameter combinations, [{space:.0f}], for grid search. Leave it out or correct it."
            )
    elif jobs is None:
        raise invalid(f"MaxNumberOfTrainingJobs is required in ResourceLimits for the strategy {strategy}.")
    elif space < jobs:
        raise invalid(
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            f"combinations for the provided ranges [{space}] must be equal or greater than the value of "
            f"MaxNumberOfJobs, [{jobs}]. Provide additional ranges."
        )
    total = int(space) if jobs is None else jobs
    most = MOST_JOBS if strategy == "Bayesian" else MOST_RANDOM_JOBS
    if total > most:
        raise limit_exceeded(
            "The account-level service limit 'Maximum number of training jobs per hyperparameter tuning "
            f"job' is {most} training jobs for the strategy {strategy}, with a request of {total}."
        )
    parallel = limits["MaxParallelTrainingJobs"]
    if parallel > MOST_PARALLEL:
        raise limit_exceeded(
            "The account-level service limit 'Maximum number of parallel training jobs per hyperparameter "
            f"tuning job' is {MOST_PARALLEL}, with a request of {parallel}."
        )
    if parallel > total:
        raise invalid(
            f"MaxParallelTrainingJobs [{parallel}] must be less than or equal to MaxNumberOfTrainingJobs "
            f"[{total}]."
        )
