"""CSV, LIBSVM and JSON: what was written is what is read, quickly or slowly; faults say where they are."""

import json as stdlib_json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from mdlc_emulator.algorithms.formats import csv, json, libsvm
from mdlc_emulator.algorithms.formats.answers import choose, encode
from mdlc_emulator.algorithms.formats.content_type import MediaType

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10)
MATRICES = arrays(np.float64, SHAPES, elements=st.floats(allow_nan=False, allow_infinity=False))


def text_of(matrix: Any, delimiter: str = ",") -> bytes:
    return "".join(delimiter.join(map(repr, row)) + "\n" for row in matrix.tolist()).encode()


@given(MATRICES, st.sampled_from([",", "\t", ";", "|"]))
def test_csv_is_read_as_it_was_written(matrix: Any, delimiter: str) -> None:
    assert np.array_equal(csv.parse(text_of(matrix, delimiter), delimiter), matrix)


@settings(max_examples=20, deadline=None)
@given(MATRICES, st.data())
def test_large_csv_is_read_as_small_one(matrix: Any, data: st.DataObject) -> None:
    hole = data.draw(st.sampled_from([b"", b"nan", b"NaN"]))
    line = text_of(matrix[:1]).strip() + b"," + hole + b",1\n"
    once = csv.parse(line)
    many = csv.parse(line * (csv.SMALL // len(line) + 2))
    assert once.shape[1] == many.shape[1] == matrix.shape[1] + 2
    assert np.isnan(once[0, -2])
    assert np.array_equal(many, np.repeat(once, len(many), axis=0), equal_nan=True)


@pytest.mark.parametrize("times", [1, 20_000])
def test_a_row_of_another_length_is_named(times: int) -> None:
    with pytest.raises(csv.CsvError, match=rf"Row #{times + 1}: Expected 3 columns, got 2"):
        csv.parse(b"1,2,3\n" * times + b"1,2\n")


@pytest.mark.parametrize("times", [1, 20_000])
def test_what_is_no_number_is_named(times: int) -> None:
    with pytest.raises(csv.CsvError, match=rf"Row #{times + 1}, column #1: 'two' is not a number"):
        csv.parse(b"1,2,3\n" * times + b"1,two,3\n")


def test_numbers_may_be_quoted_and_lines_may_end_as_windows_ends_them() -> None:
    assert csv.parse(b'"1","2.5"\r\n3,4\r\n').tolist() == [[1, 2.5], [3, 4]]


@pytest.mark.parametrize(
    ("line", "found"), [("1,2;3", ","), ("1\t2\t3", "\t"), ("1;2;3", ";"), ("1 2 3", " ")]
)
def test_the_delimiter_is_the_sniffers(line: str, found: str) -> None:
    assert csv.delimiter_of(line) == found


@pytest.mark.parametrize("line", ["", "12", "1.5", "word"])
def test_a_line_without_a_delimiter_is_refused_in_the_sniffers_words(line: str) -> None:
    with pytest.raises(csv.CsvError, match="Could not determine delimiter"):
        csv.delimiter_of(line)


ROWS = st.lists(
    st.tuples(
        st.floats(width=32, allow_nan=False, allow_infinity=False),
        st.none() | st.floats(0, 10, width=32),
        st.dictionaries(
            st.integers(0, 50), st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=6
        ),
    ),
    min_size=1,
    max_size=8,
)


def libsvm_of(rows: Any, ending: bytes = b"") -> bytes:
    lines = []
    for label, weight, features in rows:
        lead = repr(label) if weight is None else f"{label!r}:{weight!r}"
        lines.append(
            " ".join([lead, *(f"{at}:{value!r}" for at, value in features.items())]).encode() + ending
        )
    return b"\n".join(lines)


@given(ROWS, st.sampled_from([b"", b" # a remark", b"  ", b"\r"]))
def test_libsvm_is_read_as_it_was_written(rows: Any, ending: bytes) -> None:
    found = libsvm.arrays(libsvm_of(rows, ending), labelled=True)
    assert found.labels is not None
    assert found.labels.tolist() == [np.float32(row[0]) for row in rows]
    if any(row[1] is not None for row in rows):
        assert found.weights is not None
        assert found.weights.tolist() == [np.float32(1 if row[1] is None else row[1]) for row in rows]
    else:
        assert found.weights is None
    assert found.indices.tolist() == [at for row in rows for at in row[2]]
    assert found.values.tolist() == [np.float32(value) for row in rows for value in row[2].values()]
    assert np.diff(found.starts).tolist() == [len(row[2]) for row in rows]


@pytest.mark.parametrize("line", [b"1:0.5 3:-2.25e-3 7:nan\n", b"0 2:1\n", b"1\n"])
def test_large_libsvm_is_read_as_small_one(line: bytes) -> None:
    times = libsvm.LARGE // len(line) + 2
    once, many = libsvm.arrays(line, labelled=True), libsvm.arrays(line * times, labelled=True)
    for one, all_of_them in zip(once, many, strict=True):
        if isinstance(one, np.ndarray) and one is not once.starts:
            assert np.array_equal(np.tile(one, times), all_of_them, equal_nan=True)
    assert np.diff(many.starts).tolist() == [once.starts[1]] * times


def test_a_request_in_libsvm_may_do_without_labels() -> None:
    with_labels = libsvm.arrays(b"1 0:1.5 3:2\n0 1:4\n", labelled=False)
    without = libsvm.arrays(b"0:1.5 3:2\n1:4\n", labelled=False)
    assert with_labels.values.tolist() == without.values.tolist() == [1.5, 2, 4]
    assert with_labels.indices.tolist() == without.indices.tolist() == [0, 3, 1]
    assert with_labels.labels is None


@pytest.mark.parametrize(
    "line", ["1,2,3", "1 a:2", "x 1:2", "1 1:2:3", "1 2", "1:2:3 1:2", "1 -1:2", "1 1.5:2"]
)
def test_a_line_that_is_no_libsvm_is_shown(line: str) -> None:
    with pytest.raises(libsvm.LibsvmError) as caught:
        libsvm.arrays(f"1 1:2\n{line}\n".encode(), labelled=True)
    assert caught.value.line == line


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.lists(FLOATS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_all_documented_json_forms_are_one_matrix(rows: list[list[float]]) -> None:
    forms = [
        [{"features": row} for row in rows],
        [{"data": {"features": {"values": row}}} for row in rows],
        [{"data": {"features": {"values": row, "keys": [], "shape": []}}} for row in rows],
    ]
    for instances in forms:
        whole = json.parse(stdlib_json.dumps({"instances": instances}).encode())
        lines = json.parse_lines("\n".join(map(stdlib_json.dumps, instances)).encode())
        assert whole.tolist() == lines.tolist() == np.array(rows, np.float32).tolist()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[1, 2]", "instances"),
        (b"{", "no JSON"),
        (b'{"instances": []}', "no instances"),
        (b'{"instances": [{"x": 1}]}', "features"),
        (b'{"instances": [{"features": [1]}, {"features": [1, 2]}]}', "Instance 1 has 2 values"),
        (b'{"instances": [{"features": ["a"]}]}', "no numbers"),
    ],
)
def test_json_in_no_documented_form_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(json.JsonError, match=said):
        json.parse(body)


def test_predictions_in_each_type_are_as_documented() -> None:
    fields = {"closest_cluster": np.array([1.0, 2.0]), "distance_to_cluster": np.array([3.0, 5.0])}
    # https://docs.aws.amazon.com/sagemaker/latest/dg/km-in-formats.html
    assert encode(fields, "text/csv") == b"1.0,3.0\n2.0,5.0\n"
    assert stdlib_json.loads(encode(fields, "application/json"))["predictions"][1] == {
        "closest_cluster": 2.0,
        "distance_to_cluster": 5.0,
    }
    lines = encode(fields, "application/jsonlines").splitlines()
    assert stdlib_json.loads(lines[0]) == {"closest_cluster": 1.0, "distance_to_cluster": 3.0}


@given(
    st.dictionaries(
        st.text(max_size=5),
        arrays(np.float32, 4) | arrays(np.float64, (4, 3)) | arrays(np.int64, 4),
        min_size=1,
        max_size=3,
    )
)
def test_predictions_are_written_as_pythons_json_writes_them(fields: dict[str, Any]) -> None:
    items = [{name: column[row].tolist() for name, column in fields.items()} for row in range(4)]
    assert encode(fields, "application/json", "top").decode() == stdlib_json.dumps({"top": items})
    lines = "".join(stdlib_json.dumps(item) + "\n" for item in items)
    assert encode(fields, "application/jsonlines").decode() == lines


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv; charset=utf-8", "text/csv"),
        ("image/png, text/csv", "text/csv"),
        ("image/png", None),
    ],
)
def test_the_answers_type_is_the_first_accepted(accept: str, found: str | None) -> None:
    chosen = choose(accept, ["application/json", "text/csv"])
    assert (chosen.name if chosen else None) == found


def test_media_types_have_parameters() -> None:
    assert MediaType.parse(" Text/CSV ; label_size=1;charset=UTF8") == MediaType(
        "text/csv", {"label_size": "1", "charset": "utf8"}
    )
