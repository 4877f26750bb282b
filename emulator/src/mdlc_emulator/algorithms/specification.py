"""What SageMaker documents of each built-in algorithm, as data: hyperparameters, channels, metrics.

Standard library only: the engine reads it too, for tuning ranges and checks when a job is made. The data is
in `specifications/*.toml`, each with its sources.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("specifications")

NAMES = ("xgboost", "linear-learner", "knn", "kmeans", "pca", "lda")

_MXNET = "it is trained by MXNet on a GPU, and MXNet is no longer maintained"
_NOTHING = "nothing published computes what it computes"
REFUSED: Mapping[str, str] = {
    "factorization-machines": "the maintained libraries train another model (myFM samples by Markov chains, "
    "LightFM ranks), and fastFM and xLearn, which are near it, have had no release since 2018",
    "randomcutforest": "scikit-learn's isolation forest scores otherwise, and no library of random cut "
    "forests is established enough to stand for it",
    "ipinsights": _NOTHING,
    "object2vec": _NOTHING,
    "ntm": _NOTHING,
    "blazingtext": "its modes are not those of fastText or gensim, and neither writes its artefacts",
    "forecasting-deepar": "what stands for it needs a deep-learning framework of a gigabyte",
    "seq2seq": _MXNET,
    "image-classification": _MXNET,
    "object-detection": _MXNET,
    "semantic-segmentation": _MXNET,
}
"""Image name -> why no algorithm stands for it here."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of numbers, written as mathematics does: [0, 1), (0, +inf)."""

    low: float | int | None
    high: float | int | None
    low_open: bool
    high_open: bool

    def __contains__(self, value: float) -> bool:
        if value != value:
            return False
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        below = self.high is None or value < self.high or (value == self.high and not self.high_open)
        return above and below

    def __str__(self) -> str:
        start = "(-inf" if self.low is None else f"{'(' if self.low_open else '['}{self.low}"
        end = "+inf)" if self.high is None else f"{self.high}{')' if self.high_open else ']'}"
        return f"{start}, {end}"


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One hyperparameter.

    `kind` is SageMaker's type (Integer, Continuous, Categorical, FreeText) or List for values separated by
    commas. `accepts` are words that stand beside the range, such as "auto". `tune` is the recommended range
    or, for a categorical one, the recommended values; None where tuning is not offered.
    """

    name: str
    kind: str
    required: bool = False
    default: str | None = None
    interval: Interval | None = None
    values: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    tunable: bool = False
    tune: Interval | tuple[str, ...] | None = None
    scaling: str = "Auto"
    ignored: bool = False
    """Accepted and without effect here; said in the log when it is given."""

    def described(self) -> dict[str, Any]:
        """As DescribeAlgorithm's HyperParameterSpecification."""
        kind = "FreeText" if self.kind == "List" else self.kind
        said: dict[str, Any] = {
            "Name": self.name,
            "Description": self.name,
            "Type": kind,
            "IsTunable": self.tunable,
            "IsRequired": self.required,
        }
        if kind in ("Integer", "Continuous") and self.interval is not None:
            least, most = ("-2147483648", "2147483647") if kind == "Integer" else ("-1.7e308", "1.7e308")
            low, high = self.interval.low, self.interval.high
            bounds = {
                "MinValue": least if low is None else str(low),
                "MaxValue": most if high is None else str(high),
            }
            said["Range"] = {f"{kind}ParameterRangeSpecification": bounds}
        elif kind == "Categorical" and self.values:
            said["Range"] = {"CategoricalParameterRangeSpecification": {"Values": list(self.values)}}
        if self.default is not None:
            said["DefaultValue"] = self.default
        return said


@dataclass(frozen=True, slots=True)
class Channel:
    """One input channel. `default` is the content type where the job names none, "" where it must."""

    name: str
    required: bool
    content_types: tuple[str, ...]
    default: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric that the algorithm writes to its log. `direction` is "Maximize" or "Minimize"."""

    name: str
    regex: str
    direction: str

    def find(self, line: str) -> float | None:
        """Its value in a line of the log, as CloudWatch shows it."""
        found = re.search(self.regex, line)
        return float(found.group(1)) if found else None


@dataclass(frozen=True, slots=True)
class Specification:
    """One built-in algorithm. `difference` is what a user must know of the stand-in, one to three sentences;
    `runs` the library that does the work; `fidelity` "exact", "close" or "approximate"."""

    name: str
    runs: str
    fidelity: str
    difference: str
    hyperparameters: Mapping[str, Hyperparameter]
    aliases: Mapping[str, str]
    channels: Mapping[str, Channel]
    metrics: tuple[Metric, ...]
    requests: tuple[str, ...]
    responses: tuple[str, ...]
    source: str
    dialect: str
    """Whose words errors are put in: "toolkit" or "schema" (see `checks`)."""

    def validate(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The values to train with, converted, defaults filled in. UserError with SageMaker's text."""
        from mdlc_emulator.algorithms.checks import check

        return check(self, given)


@cache
def load(name: str) -> Specification:
    """The algorithm `name`, one of NAMES. KeyError for another."""
    if name not in NAMES:
        raise KeyError(name)
    return _read(name, tomllib.loads((_DATA / f"{name}.toml").read_text()))


def _read(name: str, table: Mapping[str, Any]) -> Specification:
    return Specification(
        name=name,
        runs=table["runs"],
        fidelity=table["fidelity"],
        difference=table["difference"],
        hyperparameters={key: _hyperparameter(key, of) for key, of in table["hyperparameters"].items()},
        aliases=table.get("aliases", {}),
        channels={key: _channel(key, of) for key, of in table["channels"].items()},
        metrics=tuple(_metrics(table)),
        requests=tuple(table["requests"]),
        responses=tuple(table["responses"]),
        source=table["source"],
        dialect=table["dialect"],
    )


def _hyperparameter(name: str, table: Mapping[str, Any]) -> Hyperparameter:
    tune = table.get("tune")
    return Hyperparameter(
        name=name,
        kind=table["type"],
        required=table.get("required", False),
        default=table.get("default"),
        interval=interval(table["range"]) if "range" in table else None,
        values=tuple(table.get("values", ())),
        accepts=tuple(table.get("accepts", ())),
        tunable=tune is not None,
        tune=interval(tune) if isinstance(tune, str) else tuple(tune) if tune is not None else None,
        scaling=table.get("scaling", "Auto"),
        ignored=table.get("ignored", False),
    )


def _channel(name: str, table: Mapping[str, Any]) -> Channel:
    types = tuple(table["content_types"])
    return Channel(name, table.get("required", False), types, table.get("default", ""))


def _metrics(table: Mapping[str, Any]) -> list[Metric]:
    """Each entry of `metrics` is a family: the names that share a pattern and a direction."""
    found = []
    for family in table.get("metrics", ()):
        for segment in family.get("segments", [""]):
            for short in family["names"]:
                name = f"{segment}:{short}" if segment else short
                written = family.get("written", {}).get(short, short)
                pattern = family["regex"].replace("{segment}", segment).replace("{name}", written)
                found.append(Metric(name, pattern, family["direction"]))
    return found


_INTERVAL = re.compile(r"([\[(])\s*(-inf|[^,\s]+)\s*,\s*(\+inf|[^\])\s]+)\s*([\])])")


def interval(text: str) -> Interval:
    """Read "[0, 1)" and its like. ValueError."""
    found = _INTERVAL.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no interval")
    opening, low, high, closing = found.groups()
    return Interval(_number(low), _number(high), opening == "(", closing == ")")


def _number(text: str) -> float | int | None:
    if text in ("-inf", "+inf"):
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)
