"""DynamoDB numbers: decimals of up to 38 significant digits, from 1E-130 to 9.99...E+125 in magnitude.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

from mdlc_emulator.engine.aws_error import AwsError

DIGITS = 38
_LARGEST = Decimal("9.9999999999999999999999999999999999999E+125")
_SMALLEST = Decimal("1E-130")
# Sums are formed exactly before they are checked: 38 digits at both ends of the range need 300 places.
_EXACT = Context(prec=400)


@lru_cache(maxsize=65536)
def parse(text: str) -> Decimal:
    """The number that `text` writes; ValidationException when DynamoDB could not hold it."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or text != text.strip() or "_" in text:
        raise AwsError("ValidationException", f"The parameter cannot be converted to a numeric value: {text}")
    return checked(number)


def checked(number: Decimal) -> Decimal:
    """`number`, when DynamoDB can hold it."""
    if not number:
        return Decimal(0)
    if abs(number) > _LARGEST:
        raise AwsError(
            "ValidationException",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        )
    if abs(number) < _SMALLEST:
        raise AwsError(
            "ValidationException",
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        )
    if len("".join(map(str, number.as_tuple().digits)).strip("0")) > DIGITS:
        raise AwsError(
            "ValidationException", "Attempting to store more than 38 significant digits in a Number"
        )
    return number


def write(number: Decimal) -> str:
    """`number` as DynamoDB returns it: no exponent, no leading or trailing zeros."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=65536)
def canonical(text: str) -> str:
    """`text` parsed, checked and written again."""
    return write(parse(text))


def add(left: str, right: str) -> str:
    return write(checked(_EXACT.add(parse(left), parse(right))))


def subtract(left: str, right: str) -> str:
    return write(checked(_EXACT.subtract(parse(left), parse(right))))


@lru_cache(maxsize=65536)
def size(text: str) -> int:
    """Bytes a number takes: about one for two significant digits, and one."""
    digits = len(text.strip("-").replace(".", "").strip("0"))
    return (digits + 1) // 2 + 1 + (1 if text.startswith("-") else 0)
