"""Hyperparameters held against their specification, in the words of SageMaker's own checks.

Two dialects: xgboost's container uses the open algorithm toolkit
(https://github.com/aws/sagemaker-xgboost-container, sagemaker_algorithm_toolkit), Amazon's other algorithms
a JSON schema whose errors are put into sentences
(https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-sagemaker-models-logs.html).
"""

import ast
from collections.abc import Mapping
from typing import Any

from mdlc_emulator.algorithms.errors import UserError
from mdlc_emulator.algorithms.specification import Hyperparameter, Specification


def check(of: Specification, given: Mapping[str, str]) -> dict[str, Any]:
    """The values to train with: converted, defaults filled in. UserError for the first that is wrong.

    Integers come as int, continuous ones as float, lists as list of text, words beside a range ("auto") as
    text. A hyperparameter without a default that is not given is absent.
    """
    toolkit = of.dialect == "toolkit"
    named = {of.aliases.get(name, name): value for name, value in given.items()}
    for name, known in of.hyperparameters.items():
        if name not in named:
            if known.required and toolkit:
                raise UserError(f"Missing required hyperparameter: {name}")
            if known.default is not None:
                named[name] = known.default
    if not toolkit:
        _schema_names(of, named)
    values: dict[str, Any] = {}
    for name, value in named.items():
        if name not in of.hyperparameters:
            raise UserError(f"Extraneous hyperparameter found: {name}")
        known = of.hyperparameters[name]
        values[name] = _toolkit_parse(known, value) if toolkit else _schema_parse(known, value)
    for name, value in values.items():
        _in_range(of, of.hyperparameters[name], value)
    if of.name in _TOGETHER:
        _TOGETHER[of.name](values)
    return values


def ignored(of: Specification, given: Mapping[str, str]) -> list[str]:
    """Those of the given ones that have no effect here."""
    names = (of.aliases.get(name, name) for name in given)
    return [name for name in names if name in of.hyperparameters and of.hyperparameters[name].ignored]


# ---- the toolkit's words ----------------------------------------------------------------------------------


def _toolkit_parse(known: Hyperparameter, value: str) -> Any:
    try:
        match known.kind:
            case "Integer":
                return int(value)
            case "Continuous":
                return float(value)
            case "List":
                return value.split(",")
            case "Tuple":
                return tuple(ast.literal_eval(value))
            case "NestedList":
                return ast.literal_eval(value)
            case _:
                return value
    except (ValueError, SyntaxError, TypeError) as error:
        # The toolkit names the cause: a ValueError whatever its reason.
        raise UserError(
            f"Hyperparameter {known.name}: could not parse value (caused by ValueError)"
        ) from error


def _in_range(of: Specification, known: Hyperparameter, value: Any) -> None:
    if of.dialect != "toolkit":
        return
    name = known.name
    if name == "_tuning_objective_metric":
        names = [metric.name for metric in of.metrics if metric.name.startswith("validation:")]
        if value not in names:
            raise UserError(f"Hyperparameter {name}: {value} is not in {names}")
        return
    if name == "eval_metric":
        wrong = not all(_metric_known(metric, known.values) for metric in value)
    elif known.kind == "List":
        wrong = any(word not in known.values for word in value)
    elif known.kind == "Tuple":
        wrong = any(item not in (-1, 0, 1) for item in value)
    elif known.kind == "NestedList":
        wrong = any(item not in known.interval for inner in value for item in inner)  # type: ignore[operator]
    elif known.interval is not None:
        if value not in known.interval:
            raise UserError(f"Hyperparameter {name}: {value} is not in {known.interval}")
        return
    elif known.values:
        if value not in known.values:
            raise UserError(f"Hyperparameter {name}: {value} is not in {list(known.values)}")
        return
    else:
        return
    if wrong:
        allowed = {"Tuple": [-1, 0, 1], "List": list(known.values)}.get(known.kind, known.interval)
        raise UserError(f"Hyperparameter {name}: value {value} not in range {allowed}")


_WITH_THRESHOLD = ("error", "ndcg", "map")


def _metric_known(metric: str, names: tuple[str, ...]) -> bool:
    if "<function" in metric:
        raise UserError(f"User defined evaluation metric {metric} is not supported yet.")
    if "@" not in metric:
        return metric in names
    name, _, threshold = (part.strip() for part in metric.partition("@"))
    if name not in _WITH_THRESHOLD:
        raise UserError(
            f"Metric '{metric}' is not supported. Parameter 'eval_metric' with customized threshold should "
            "be one of these options: 'error', 'ndcg', 'map'."
        )
    try:
        float(threshold.rstrip("-"))
    except ValueError:
        raise UserError(f"Threshold value 't' in '{name}@t' expects float input.") from None
    return True


# ---- the schema's words -----------------------------------------------------------------------------------


def _schema_names(of: Specification, named: Mapping[str, str]) -> None:
    if extra := [name for name in named if name not in of.hyperparameters]:
        listed = ", ".join(f"'{name}'" for name in extra)
        verb = "was" if len(extra) == 1 else "were"
        raise _not_valid(f"Additional hyperparameters are not allowed ({listed} {verb} unexpected)")
    missing = [name for name, known in of.hyperparameters.items() if known.required and name not in named]
    if missing:
        listed = ", ".join(f"'{name}'" for name in missing)
        raise _not_valid(f"No value(s) were specified for {listed} which are required hyperparameter(s)")


def _schema_parse(known: Hyperparameter, value: str) -> Any:
    if value in known.accepts:
        return value
    if known.kind == "Categorical":
        # The SDK writes Python's True for the schema's true.
        word = value.lower() if set(known.values) <= {"true", "false", "auto"} else value
        if word in known.values:
            return word
        listed = ", ".join(f"'{word}'" for word in known.values)
        raise _not_valid(
            f"The value '{value}' is not valid for the '{known.name}' hyperparameter which accepts one of "
            f"the following: {listed}"
        )
    if known.kind not in ("Integer", "Continuous"):
        return value
    assert known.interval is not None
    try:
        number = int(value) if known.kind == "Integer" else float(value)
    except ValueError:
        number = None
    if number is None or number not in known.interval or number in (float("inf"), float("-inf")):
        raise _not_valid(
            f"The value '{value}' is not valid for the '{known.name}' hyperparameter which expects one of "
            f"the following: {_expected(known)}"
        )
    return number


def _expected(known: Hyperparameter) -> str:
    kind = "an integer" if known.kind == "Integer" else "a number"
    assert known.interval is not None
    low, high = known.interval.low, known.interval.high
    parts = []
    if known.kind == "Integer" and low == 1 and high is None:
        words = "".join(f"{word}|" for word in known.accepts)
        parts.append(f"a string which matches the pattern '^({words}[1-9][0-9]*)$'")
    elif known.accepts:
        parts.append(f"a string which matches the pattern '^({'|'.join(known.accepts)})$'")
    if low is not None and high is not None:
        parts.append(f"{kind} between {low} and {high}")
    elif low is not None:
        parts.append(f"{kind} greater than {low}")
    else:
        parts.append(kind)
    return "; or ".join(parts)


def _not_valid(message: str) -> UserError:
    return UserError(f"{message} (caused by ValidationError)")


# ---- what must fit together -------------------------------------------------------------------------------

_TREE_PLUGINS = (
    "grow_colmaker",
    "distcol",
    "grow_histmaker",
    "grow_skmaker",
    "sync",
    "refresh",
    "prune",
    "grow_quantile_histmaker",
)
_GROWING_PLUGINS = ("grow_colmaker", "distcol", "grow_histmaker", "grow_quantile_histmaker")


def _xgboost(values: dict[str, Any]) -> None:
    objective = values.get("objective", "reg:squarederror")
    if objective in ("multi:softmax", "multi:softprob") and "num_class" not in values:
        raise UserError("Require input for parameter 'num_class' for multi-classification")
    metrics = values.get("eval_metric", [])
    if "auc" in metrics and not objective.startswith(("binary:", "rank:")):
        raise UserError("Metric 'auc' can only be applied for classification and ranking problems.")
    if "aft-nloglik" in metrics and objective != "survival:aft":
        raise UserError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")
    method = values.get("tree_method")
    if "monotone_constraints" in values and method not in ("exact", "hist"):
        raise UserError(
            "monotone_constraints can be used only when the tree_method parameter is set to "
            "either 'exact' or 'hist'."
        )
    if "interaction_constraints" in values and method not in ("exact", "hist", "approx"):
        raise UserError(
            "interaction_constraints can be used only when the tree_method parameter is set to "
            "either 'exact', 'hist' or 'approx'."
        )
    if "updater" in values:
        _updater(values["updater"], values.get("booster"), values.get("process_type"))


def _updater(value: list[str], booster: str | None, process_type: str | None) -> None:
    if booster == "gblinear":
        if len(value) != 1 or value[0] not in ("shotgun", "coord_descent"):
            raise UserError("Linear updater should be one of these options: 'shotgun', 'coord_descent'.")
    elif process_type == "update":
        if any(word not in ("refresh", "prune") for word in value):
            raise UserError("process_type 'update' can only be used with updater 'refresh' and 'prune'")
    elif any(word not in _TREE_PLUGINS for word in value):
        raise UserError(
            "Tree updater should be selected from these options: "
            "'grow_colmaker', 'distcol', 'grow_histmaker', 'grow_skmaker', 'grow_quantile_histmaker', "
            "'sync', 'refresh', 'prune', "
            "'shortgun', 'coord_descent'."
        )
    elif sum(word in _GROWING_PLUGINS for word in value) > 1:
        raise UserError(
            "Only one tree grow plugin can be selected. Choose one from the"
            "following: 'grow_colmaker', 'distcol', 'grow_histmaker', "
            "'grow_skmaker'"
        )


_LOSSES = {
    "binary_classifier": ("auto", "logistic", "hinge_loss"),
    "multiclass_classifier": ("auto", "softmax_loss"),
    "regressor": (
        "auto",
        "squared_loss",
        "absolute_loss",
        "eps_insensitive_squared_loss",
        "eps_insensitive_absolute_loss",
        "quantile_loss",
        "huber_loss",
    ),
}


def _linear_learner(values: dict[str, Any]) -> None:
    predictor, loss = values["predictor_type"], values["loss"]
    if predictor == "multiclass_classifier" and "num_classes" not in values:
        raise UserError("num_classes must be specified when predictor_type is 'multiclass_classifier'")
    if loss not in _LOSSES[predictor]:
        allowed = ", ".join(f"'{word}'" for word in _LOSSES[predictor])
        raise UserError(
            f"The loss '{loss}' is not valid for predictor_type '{predictor}', which accepts {allowed}"
        )


def _knn(values: dict[str, Any]) -> None:
    kind, target = values.get("dimension_reduction_type"), values.get("dimension_reduction_target")
    if kind is None and target is not None:
        raise UserError(
            "Hyperparameter 'dimension_reduction_target' should only be set when 'dimension_reduction_type' "
            "is set"
        )
    if kind is not None and (target is None or target >= values["feature_dim"]):
        raise UserError(
            "Hyperparameter 'dimension_reduction_target' must be set, greater than 0 and less than "
            "'feature_dim' when 'dimension_reduction_type' is set"
        )
    if values["index_type"] == "faiss.IVFPQ" and values["index_metric"] != "L2":
        raise UserError(f"Index metric {values['index_metric']} is not supported with index type faiss.IVFPQ")
    if values["k"] > values["sample_size"]:
        raise UserError("Hyperparameter 'k' must not be greater than 'sample_size'")


def _pca(values: dict[str, Any]) -> None:
    if values["num_components"] > values["feature_dim"]:
        raise UserError("num_components must not be greater than feature_dim")


_TOGETHER = {"xgboost": _xgboost, "linear-learner": _linear_learner, "knn": _knn, "pca": _pca}
