"""Hyperparameters as data: what is in the range is taken, what is not is refused in SageMaker's words."""

import math
import re
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.algorithms.errors import UserError
from mdlc_emulator.algorithms.specification import NAMES, REFUSED, Hyperparameter, Interval, interval, load

NEEDED: dict[str, dict[str, str]] = {
    "xgboost": {"num_round": "10"},
    "linear-learner": {"predictor_type": "regressor"},
    "knn": {"feature_dim": "4", "k": "3", "predictor_type": "classifier", "sample_size": "100"},
    "kmeans": {"feature_dim": "4", "k": "3"},
    "pca": {"feature_dim": "4", "num_components": "2", "mini_batch_size": "10"},
    "lda": {"feature_dim": "4", "num_topics": "2", "mini_batch_size": "10"},
}
NUMBERS = [
    (name, hyperparameter)
    for name in NAMES
    for hyperparameter in load(name).hyperparameters.values()
    if hyperparameter.kind in ("Integer", "Continuous")
]
EVERY = [(name, known) for name in NAMES for known in load(name).hyperparameters.values()]


def refusal(algorithm: str, **given_values: str) -> str:
    with pytest.raises(UserError) as caught:
        load(algorithm).validate({**NEEDED[algorithm], **given_values})
    return caught.value.message


@pytest.mark.parametrize("name", NAMES)
def test_the_required_ones_are_enough(name: str) -> None:
    values = load(name).validate(NEEDED[name])
    for known in load(name).hyperparameters.values():
        assert (known.name in values) == (known.required or known.default is not None)


@given(st.sampled_from(NUMBERS), st.data())
def test_a_number_is_taken_exactly_if_it_is_in_the_range(case: tuple[str, Hyperparameter], data: Any) -> None:
    algorithm, known = case
    assert known.interval is not None
    edges = [edge for edge in (known.interval.low, known.interval.high) if edge is not None]
    near = st.sampled_from([edge + step for edge in edges for step in (-1, -0.001, 0, 0.001, 1)] or [0.5])
    number = data.draw(near | st.floats(-1e6, 1e6))
    text = str(int(number)) if known.kind == "Integer" else repr(float(number))
    value = float(text)
    specification = load(algorithm)
    # What must fit together is another matter: the hyperparameter is judged alone.
    alone = _alone(specification, known)
    if value in known.interval:
        assert alone.validate({known.name: text})[known.name] == value
    else:
        with pytest.raises(UserError) as caught:
            alone.validate({known.name: text})
        assert known.name in caught.value.message
        if specification.dialect == "toolkit":
            shown = int(text) if known.kind == "Integer" else value
            assert caught.value.message == f"Hyperparameter {known.name}: {shown} is not in {known.interval}"


def _alone(specification: Any, known: Hyperparameter) -> Any:
    import dataclasses

    return dataclasses.replace(specification, name="alone", hyperparameters={known.name: known}, aliases={})


@given(
    st.none() | st.integers(-5, 5),
    st.none() | st.integers(-5, 5),
    st.booleans(),
    st.booleans(),
    st.floats(-6, 6),
)
def test_an_interval_reads_as_it_is_written(
    low: Any, high: Any, open_low: bool, open_high: bool, at: float
) -> None:
    written = Interval(low, high, low is None or open_low, high is None or open_high)
    assert interval(str(written)) == written
    above = low is None or (at > low if written.low_open else at >= low)
    below = high is None or (at < high if written.high_open else at <= high)
    assert (at in written) == (above and below)
    assert math.nan not in written


@pytest.mark.parametrize(("name", "known"), EVERY, ids=lambda item: getattr(item, "name", item))
def test_what_tuning_is_recommended_for_is_in_the_range(name: str, known: Hyperparameter) -> None:
    assert known.tunable == (known.tune is not None)
    if isinstance(known.tune, Interval):
        assert known.interval is not None
        low, high = known.tune.low, known.tune.high
        assert low is not None
        assert high is not None
        middle = (low + high) / 2
        assert middle in known.interval
        assert known.interval.low is None or low >= known.interval.low
        assert known.interval.high is None or high <= known.interval.high
    elif known.tune is not None:
        assert set(known.tune) <= set(known.values)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_described_as_botocores_model_has_it(name: str) -> None:
    shape = (
        botocore.session.get_session().get_service_model("sagemaker").shape_for("HyperParameterSpecification")
    )
    for known in load(name).hyperparameters.values():
        report = ParamValidator().validate(known.described(), shape)
        assert not report.has_errors(), report.generate_report()


# https://github.com/aws/sagemaker-xgboost-container: both files called hyperparameter_validation.py
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({"num_round": "many"}, "Hyperparameter num_round: could not parse value (caused by ValueError)"),
        ({"max_depth": "-1"}, "Hyperparameter max_depth: -1 is not in [0, +inf)"),
        ({"eta": "1.5"}, "Hyperparameter eta: 1.5 is not in [0, 1]"),
        ({"learning_rate": "1.5"}, "Hyperparameter eta: 1.5 is not in [0, 1]"),
        ({"max_dept": "3"}, "Extraneous hyperparameter found: max_dept"),
        ({"booster": "tree"}, "Hyperparameter booster: tree is not in ['gbtree', 'gblinear', 'dart']"),
        ({"objective": "multi:softmax"}, "Require input for parameter 'num_class' for multi-classification"),
        ({"eval_metric": "auc"}, "Metric 'auc' can only be applied for classification and ranking problems."),
        (
            {"eval_metric": "error@x", "objective": "binary:logistic"},
            "Threshold value 't' in 'error@t' expects float input.",
        ),
        (
            {"monotone_constraints": "(1, -1)"},
            "monotone_constraints can be used only when the tree_method parameter is set to "
            "either 'exact' or 'hist'.",
        ),
        (
            {"updater": "grow_colmaker,grow_histmaker"},
            "Only one tree grow plugin can be selected. Choose one from thefollowing: 'grow_colmaker', "
            "'distcol', 'grow_histmaker', 'grow_skmaker'",
        ),
    ],
)
def test_xgboost_refuses_in_its_containers_words(values: dict[str, str], said: str) -> None:
    assert refusal("xgboost", **values) == said


def test_a_missing_one_is_named() -> None:
    with pytest.raises(UserError, match=r"^Missing required hyperparameter: num_round$"):
        load("xgboost").validate({})
    with pytest.raises(UserError) as caught:
        load("pca").validate({"feature_dim": "4", "num_components": "2"})
    # The very text of a failed job: https://github.com/aws/sagemaker-python-sdk/issues/132
    assert caught.value.reason() == (
        "ClientError: No value(s) were specified for 'mini_batch_size' which are required hyperparameter(s) "
        "(caused by ValidationError)"
    )


# https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-sagemaker-models-logs.html
@pytest.mark.parametrize(
    ("algorithm", "values", "said"),
    [
        (
            "pca",
            {"mini_batch_siz": "1"},
            "Additional hyperparameters are not allowed ('mini_batch_siz' was unexpected)",
        ),
        (
            "pca",
            {"feature_dim": "abc"},
            "The value 'abc' is not valid for the 'feature_dim' hyperparameter which expects one of the "
            "following: a string which matches the pattern '^([1-9][0-9]*)$'; or an integer greater than 1",
        ),
        (
            "knn",
            {"predictor_type": "x"},
            "The value 'x' is not valid for the 'predictor_type' hyperparameter which accepts one of the "
            "following: 'classifier', 'regressor'",
        ),
    ],
)
def test_amazons_own_refuse_in_their_schemas_words(algorithm: str, values: dict[str, str], said: str) -> None:
    assert refusal(algorithm, **values) == f"{said} (caused by ValidationError)"


@pytest.mark.parametrize(
    ("algorithm", "values", "word"),
    [
        ("linear-learner", {"predictor_type": "multiclass_classifier"}, "num_classes"),
        ("linear-learner", {"loss": "hinge_loss"}, "hinge_loss"),
        ("knn", {"dimension_reduction_type": "sign"}, "dimension_reduction_target"),
        ("knn", {"dimension_reduction_target": "2"}, "dimension_reduction_type"),
        ("knn", {"index_type": "faiss.IVFPQ", "index_metric": "COSINE"}, "COSINE"),
        ("pca", {"num_components": "5"}, "num_components"),
    ],
)
def test_what_does_not_fit_together_is_named(algorithm: str, values: dict[str, str], word: str) -> None:
    assert word in refusal(algorithm, **values)


LOG = "[11/23/2026 15:58:48 INFO 1] #quality_metric: host=algo-1, "
LINES = {
    "xgboost": "[3]#011train-auc:0.71#011validation-auc:0.625#011validation-error:0.3",
    "linear-learner": LOG + "validation binary_f_1.000 <score>=0.75",
    "knn": LOG + "test accuracy <score>=0.5",
    "kmeans": LOG + "test msd <loss>=1.25",
    "lda": LOG + "test pwll <score>=-6.5",
}
FOUND = {
    "xgboost": {"train:auc": 0.71, "validation:auc": 0.625, "validation:error": 0.3},
    "linear-learner": {"validation:binary_f_beta": 0.75},
    "knn": {"test:accuracy": 0.5},
    "kmeans": {"test:msd": 1.25},
    "lda": {"test:pwll": -6.5},
}


@pytest.mark.parametrize("name", LINES)
def test_metric_definitions_find_their_value_and_no_others(name: str) -> None:
    found = {metric.name: metric.find(LINES[name]) for metric in load(name).metrics}
    assert {key: value for key, value in found.items() if value is not None} == FOUND[name]


@pytest.mark.parametrize("name", NAMES)
def test_each_specification_says_what_runs_and_how_it_differs(name: str) -> None:
    specification = load(name)
    assert specification.fidelity in ("exact", "close", "approximate")
    assert specification.difference.endswith(".")
    assert specification.source.startswith("https://docs.aws.amazon.com/")
    names = [metric.name for metric in specification.metrics]
    assert len(names) == len(set(names))
    for metric in specification.metrics:
        assert metric.direction in ("Maximize", "Minimize")
        assert re.compile(metric.regex).groups >= 1


def test_what_is_refused_has_a_reason_and_no_specification() -> None:
    assert not set(REFUSED) & set(NAMES)
    assert all(REFUSED.values())
