"""What will a customer buy next? An online shop's invoices, 2009 to 2011 (UCI Online Retail II, CC BY
4.0)."""

from typing import Annotated

import pandas as pd
import pandera.pandas as pa

from app.lifecycle import Lifecycle, Source


class InvoiceLine(pa.DataFrameModel):
    """One line of an invoice. A cancellation's invoice starts with C and its quantities are negative."""

    invoice: str = pa.Field(str_matches=r"[A-Z]?\d{6}$")
    stock_code: str = pa.Field(str_length={"min_value": 1, "max_value": 12})
    description: str = pa.Field(nullable=True)
    quantity: int
    invoiced_at: Annotated[pd.DatetimeTZDtype, "us", "UTC"]
    price: float
    """Pounds sterling for one; negative for adjustments of bad debt."""
    customer_id: pd.Int64Dtype = pa.Field(nullable=True, gt=0)
    """Null where the customer was not known."""
    country: str

    class Config:
        strict = True
        coerce = True


lifecycle = Lifecycle(
    name="retail",
    source=Source(
        batch="retail",
        contract=InvoiceLine,
        entity="customer_id",
        event_time="invoiced_at",
    ),
)
