"""Arrays as request bodies and back: CSV, JSON and NPY, as the framework images' default handlers have them.

The rules are those of AWS's serving library
(https://github.com/aws/sagemaker-containers/blob/master/src/sagemaker_containers/_encoders.py), but that NPY
files with pickled objects are refused, as in the newest images.
"""

import csv
import io
import json
from typing import Any

JSON = "application/json"
CSV = "text/csv"
OCTET_STREAM = "application/octet-stream"
ANY = "*/*"
NPY = "application/x-npy"
UTF8_TYPES = [JSON, CSV]
"""Bodies of these types come to a user's functions as text."""


class UnsupportedFormatError(Exception):
    """A content type that the default handlers neither read nor write."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework.\n\n"
            "Please implement input_fn to to deserialize the request data or an output_fn to serialize the "
            "response. For more information, see the SageMaker Python SDK README."
        )


def csv_to_numpy(text: Any, dtype: Any = None) -> Any:
    """Rows of numbers, squeezed: one row, or one column, comes as a vector."""
    import numpy as np

    rows = list(csv.reader(io.StringIO(_text(text)), strict=True))
    return np.array(rows).squeeze().astype(dtype or np.float64)


def json_to_numpy(text: Any, dtype: Any = None) -> Any:
    """What numpy makes of the JSON value."""
    import numpy as np

    return np.array(json.loads(text), dtype=dtype)


def npy_to_numpy(content: bytes) -> Any:
    """The array in an NPY file. ValueError for one of pickled objects."""
    import numpy as np

    return np.load(io.BytesIO(content), allow_pickle=False)


def array_to_csv(array: Any) -> str:
    """A row a line; a vector is a column."""
    import numpy as np

    rows = np.array(array)
    if rows.ndim == 1:
        rows = rows.reshape(-1, 1)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows.tolist() if rows.ndim else [[rows.item()]])
    return text.getvalue()


def array_to_json(array: Any) -> str:
    """JSON of anything that is JSON, or has a `tolist`."""

    def of(value: Any) -> Any:
        if hasattr(value, "tolist"):
            return value.tolist()
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")

    return json.dumps(array, default=of)


def array_to_npy(array: Any) -> bytes:
    """An NPY file."""
    import numpy as np

    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


_DECODERS: dict[str, Any] = {NPY: npy_to_numpy, CSV: csv_to_numpy, JSON: json_to_numpy}
_ENCODERS: dict[str, Any] = {NPY: array_to_npy, CSV: array_to_csv, JSON: array_to_json}


def decode(content: Any, content_type: str) -> Any:
    """The array in a body. UnsupportedFormatError."""
    if content_type not in _DECODERS:
        raise UnsupportedFormatError(content_type)
    return _DECODERS[content_type](content)


def encode(array: Any, content_type: str) -> Any:
    """A body that holds the array: str or bytes. UnsupportedFormatError."""
    if content_type not in _ENCODERS:
        raise UnsupportedFormatError(content_type)
    return _ENCODERS[content_type](array)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else bytes(content).decode("utf-8")
