"""From a pandera model to the columns that the rest of the application knows."""

from typing import Any

import pandera.pandas as pa
from pandera import dtypes

from app.compiled import Check, CheckKind, Column, ColumnType
from app.declaring import contract_error

_CHECKS: dict[str, tuple[CheckKind, str]] = {
    "greater_than_or_equal_to": ("at_least", "min_value"),
    "greater_than": ("more_than", "min_value"),
    "less_than_or_equal_to": ("at_most", "max_value"),
    "less_than": ("less_than", "max_value"),
    "isin": ("one_of", "allowed_values"),
    "str_matches": ("matches", "pattern"),
}
_ALLOWED = "ge, gt, le, lt, in_range, isin, str_matches and str_length"


def columns_of(contract: type[pa.DataFrameModel]) -> tuple[Column, ...]:
    """The canonical columns of `contract`, in its order.

    Raises DeclarationError at the column whose type or check has no compiled form.
    """
    schema = contract.to_schema()
    if schema.checks:
        raise contract_error(
            contract, None, "a check on the whole table cannot run on one record; check columns."
        )
    fields = _attribute_names(contract)
    return tuple(
        _column(contract, fields.get(name, name), name, column) for name, column in schema.columns.items()
    )


def _attribute_names(contract: type[pa.DataFrameModel]) -> dict[str, str]:
    """Column name -> name of the attribute that declares it (they differ where the column has an alias)."""
    fields: dict[str, tuple[Any, Any]] = contract.__fields__
    return {info.name: attribute for attribute, (_, info) in fields.items()}


def _column(contract: type[pa.DataFrameModel], attribute: str, name: str, column: Any) -> Column:
    checks: list[Check] = []
    for check in column.checks:
        compiled = _compiled_check(check)
        if compiled is None:
            raise contract_error(
                contract,
                attribute,
                f"the check {check.name!r} of {name!r} cannot be compiled; use {_ALLOWED}.",
            )
        checks.extend(compiled)
    kind = _type(column.dtype)
    if kind is None:
        raise contract_error(
            contract,
            attribute,
            f"{name!r} has the type {column.dtype}; a contract's types are bool, signed integers, float32,"
            " float64, str and datetimes in UTC.",
        )
    return Column(name, kind, column.nullable, column.unique, tuple(checks))


def _type(dtype: Any) -> ColumnType | None:
    simple: dict[str, ColumnType] = {
        f"{family}{bits}": f"{family}{bits}"  # type: ignore[misc]
        for family, widths in {"int": (8, 16, 32, 64), "float": (32, 64)}.items()
        for bits in widths
    }
    if dtypes.is_bool(dtype):
        return "bool"
    if dtypes.is_uint(dtype):
        return None
    if dtypes.is_int(dtype):
        return simple.get(f"int{dtype.bit_width}")
    if dtypes.is_float(dtype):
        return simple.get(f"float{dtype.bit_width}")
    if dtypes.is_datetime(dtype):
        return "datetime" if str(getattr(dtype, "tz", None)) == "UTC" else None
    return "string" if dtypes.is_string(dtype) else None


def _compiled_check(check: Any) -> list[Check] | None:
    """The check in its compiled form, None where it has none."""
    values: dict[str, Any] = check.statistics or {}
    if check.name in _CHECKS:
        kind, argument = _CHECKS[check.name]
        value = values[argument]
        return [Check(kind, sorted(value) if kind == "one_of" else getattr(value, "pattern", value))]
    if check.name == "in_range":
        low: CheckKind = "at_least" if values.get("include_min", True) else "more_than"
        high: CheckKind = "at_most" if values.get("include_max", True) else "less_than"
        return [Check(low, values["min_value"]), Check(high, values["max_value"])]
    if check.name == "str_length":
        exact = values.get("exact_value")
        least, most = (
            (exact, exact) if exact is not None else (values.get("min_value"), values.get("max_value"))
        )
        return [Check("length", [least, most])]
    return None
