"""The functions that Step Functions adds to JSONata, and those that it takes away.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn
Values are JSON: dict, list, str, int, float, bool, None. A wrong argument raises `JsonataError` with
JSONata's code.
"""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from mdlc_emulator.engine.stepfunctions.jsonata.errors import JsonataError

# Longer sequences than this are refused: they could not leave the expression anyway (256 KiB is a state's
# limit).
MAX_SEQUENCE = 1_000_000
MAX_TEXT = 4_000_000

_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _wrong(position: int, name: str) -> JsonataError:
    return JsonataError("T0410", f"Argument {position} of function {name} does not match function signature")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return None
    return int(value)


def partition(array: Any = None, size: Any = None, *_: Any) -> list[Any]:
    """`$partition([1,2,3,4,5], 2)` -> [[1,2],[3,4],[5]]; a single value counts as an array of one."""
    if array is None:
        raise _wrong(1, "partition")
    length = _whole(size)
    if length is None or length < 1:
        raise _wrong(2, "partition")
    items = array if isinstance(array, list) else [array]
    return [items[start : start + length] for start in range(0, len(items), length)]


def range_(first: Any = None, last: Any = None, step: Any = None, *_: Any) -> Any:
    """`$range(0, 10, 3)` -> [0,3,6,9]: from `first` by `step`, never past `last`.

    A sequence in JSONata's sense: with one element it is that element.
    """
    for position, value in enumerate((first, last, step), 1):
        if not _is_number(value):
            raise _wrong(position, "range")
    if step == 0:
        raise _wrong(3, "range")
    count = max(0, int((last - first) // step) + 1)
    if count > MAX_SEQUENCE:
        raise JsonataError("D2015", f"The maximum sequence length of {MAX_SEQUENCE} was exceeded.")
    numbers = [first + index * step for index in range(count)]
    return numbers[0] if count == 1 else numbers


def hash_(data: Any = None, algorithm: Any = None, *_: Any) -> str:
    """`$hash("x", "SHA-256")` -> the digest of the text's UTF-8 bytes, lowercase hexadecimal."""
    if not isinstance(data, str):
        raise _wrong(1, "hash")
    if algorithm not in _ALGORITHMS:
        raise _wrong(2, "hash")
    return hashlib.new(_ALGORITHMS[algorithm], data.encode(), usedforsecurity=False).hexdigest()


def random_(seed: Any = None, *_: Any) -> float:
    """`$random()` -> a number in [0, 1); `$random(seed)` -> always the same one for the same seed."""
    if seed is None:
        return random.random()  # noqa: S311 (a workflow's dice, no secret)
    if not _is_number(seed):
        raise _wrong(1, "random")
    return random.Random(float(seed)).random()  # noqa: S311


def uuid_(*_: Any) -> str:
    """`$uuid()` -> a version 4 UUID."""
    return str(uuid.uuid4())


def parse(text: Any = None, *_: Any) -> Any:
    """`$parse("{\\"a\\":1}")` -> the JSON value that the text holds; the function that stands for `$eval`."""
    if not isinstance(text, str):
        raise _wrong(1, "parse")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        raise JsonataError("D3120", f"Syntax error in the text passed to function parse: {error}") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def eval_(*_: Any) -> Any:
    """Not available in Step Functions."""
    raise JsonataError("T1006", "Attempted to invoke a non-function")


def pad(text: Any = None, width: Any = None, filler: Any = " ", *_: Any) -> Any:
    """JSONata's own `$pad`, with a bound: a huge width would fill the memory of the emulator."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise _wrong(1, "pad")
    whole = _whole(width)
    if whole is None:
        raise _wrong(2, "pad")
    if abs(whole) > MAX_TEXT:
        raise JsonataError("D2015", f"The maximum text length of {MAX_TEXT} was exceeded.")
    if not isinstance(filler, str):
        filler = " "
    missing = abs(whole) - len(text)
    if missing <= 0:
        return text
    filling = ((filler or " ") * missing)[:missing]
    return text + filling if whole > 0 else filling + text


ADDED: Mapping[str, Callable[..., Any]] = {
    "partition": partition,
    "range": range_,
    "hash": hash_,
    "uuid": uuid_,
    "parse": parse,
    "random": random_,
}
REPLACED: Mapping[str, Callable[..., Any]] = {"eval": eval_, "pad": pad}
