"""A declaration is checked when it is imported, and a wrong one is told by file, line and what would be
right."""

import importlib.util
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from app.lifecycle import DeclarationError

HEAD = """
from typing import Annotated

import pandas as pd
import pandera.pandas as pa

from app.lifecycle import Lifecycle, Source


class Trip(pa.DataFrameModel):
    car: str
    start: Annotated[pd.DatetimeTZDtype, "us", "UTC"]
    end: Annotated[pd.DatetimeTZDtype, "us", "UTC"] = pa.Field(nullable=True)
    metres: float = pa.Field(ge=0)


lifecycle = Lifecycle(
    name="trips",
    source=Source(
        stream="trips",
        contract=Trip,
        entity="car",
        event_time="start",
    ),
)
"""


def imported(path: Path) -> Any:
    """The module at `path`, imported anew."""
    spec = importlib.util.spec_from_file_location(f"declared_{uuid.uuid4().hex}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def declare(tmp_path: Path, old: str = "", new: str = "") -> Path:
    """A file that holds HEAD with `old` replaced."""
    assert old in HEAD
    path = tmp_path / "trips.py"
    path.write_text(HEAD.replace(old, new) if old else HEAD)
    return path


def line_of(path: Path, text: str) -> int:
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_a_right_declaration_is_accepted(tmp_path: Path) -> None:
    assert imported(declare(tmp_path)).lifecycle.name == "trips"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('entity="car"', 'entity="cart"', 'entity="cart"', "did you mean 'car'? There are: car, end, metres"),
        ('entity="car"', "entity=()", "entity=()", "at least one column"),
        (
            'event_time="start"',
            'event_time="metres"',
            "event_time",
            "a float64; it must be a datetime in UTC",
        ),
        ('event_time="start"', 'event_time="metres"', "event_time", "never null, such as start."),
        ('event_time="start"', 'event_time="end"', 'event_time="end"', "is a nullable datetime"),
        ('event_time="start"', 'event_time="start", arrival_time="ended"', "arrival", "did you mean 'end'"),
        ('stream="trips"', 'stream="Trips!"', 'stream="Trips!"', "lower-case letters"),
        ('        stream="trips",\n', "", "contract=Trip", "add stream='<name>'"),
        ("contract=Trip", "contract=dict", "contract=dict", "derives from pandera's DataFrameModel"),
        ('name="trips"', 'name="9trips"', 'name="9trips"', "starting with a letter"),
        ("metres: float = pa.Field(ge=0)", "metres: complex", "metres: complex", "a contract's types are"),
        (
            'end: Annotated[pd.DatetimeTZDtype, "us", "UTC"]',
            'end: Annotated[pd.DatetimeTZDtype, "us", "Europe/Oslo"]',
            "Europe/Oslo",
            "datetimes in UTC",
        ),
        ("pa.Field(ge=0)", "pa.Field(unique_values_eq=[1.0])", "metres", "cannot be compiled; use ge, gt"),
    ],
)
def test_an_error_names_the_line_and_what_would_be_right(
    tmp_path: Path, old: str, new: str, line: str, says: str
) -> None:
    path = declare(tmp_path, old, new)
    with pytest.raises(DeclarationError) as caught:
        imported(path)
    assert str(caught.value).startswith(f"{path}:{line_of(path, line)}: ")
    assert says in str(caught.value)


def test_the_digest_is_of_the_meaning_not_of_the_text(tmp_path: Path) -> None:
    texts = {
        "reordered": HEAD.replace('        stream="trips",\n', "").replace(
            "        contract=Trip,", '        contract=Trip,\n        stream="trips",'
        ),
        "commented": HEAD + "# a comment\n",
        "stricter": HEAD.replace("ge=0", "ge=1"),
        "renamed": HEAD.replace('name="trips"', 'name="rides"'),
    }
    digest = imported(declare(tmp_path)).lifecycle.digest
    digests = {}
    for name, text in texts.items():
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        digests[name] = imported(path).lifecycle.digest
    assert digests["reordered"] == digests["commented"] == digest
    assert len({digest, digests["stricter"], digests["renamed"]}) == 3
