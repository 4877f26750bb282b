"""Items, batches, results and settings of distributed Map states."""

import csv
import datetime
import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mdlc_emulator.engine.stepfunctions.maps.batches import batch_input, batches
from mdlc_emulator.engine.stepfunctions.maps.items import ItemsError, inventory_items, items_of
from mdlc_emulator.engine.stepfunctions.maps.results import Child, files
from mdlc_emulator.engine.stepfunctions.maps.settings import SettingsError, taken_out
from mdlc_emulator.engine.stepfunctions.values import text_of

cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6)


@given(st.lists(st.lists(cells, min_size=2, max_size=2).filter(any), max_size=8))
def test_csv_reads_what_csv_writes(rows: list[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["first", "second"], *rows])
    items = items_of("CSV", buffer.getvalue().encode(), {"CSVHeaderLocation": "FIRST_ROW"})
    assert items == [{"first": a, "second": b} for a, b in rows]


@given(st.lists(st.integers() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), max_size=10))
def test_json_and_json_lines_agree(items: list[Any]) -> None:
    assert items_of("JSON", json.dumps(items).encode(), {}) == items
    assert items_of("JSONL", "\n".join(map(json.dumps, items)).encode(), {}) == items
    assert items_of("JSON", gzip.compress(json.dumps(items).encode()), {}) == items


@pytest.mark.parametrize(
    ("kind", "content", "config"),
    [
        ("JSON", b"{", {}),
        ("JSON", b"1", {}),
        ("JSON", b"{}", {"ItemsPointer": "/a/b"}),
        ("JSONL", b"1\n{", {}),
        ("CSV", b"a", {"CSVDelimiter": "STAR"}),
        ("PARQUET", b"", {}),
    ],
)
def test_what_holds_no_items(kind: str, content: bytes, config: dict[str, Any]) -> None:
    with pytest.raises(ItemsError):
        items_of(kind, content, config)


def test_an_inventory() -> None:
    manifest = {"fileFormat": "CSV", "fileSchema": "Bucket, Key", "files": [{"key": "one"}, {"key": "two"}]}
    data = {"one": gzip.compress(b'"b","a b"\n'), "two": b'"b","c"\n'}
    items = list(inventory_items(json.dumps(manifest).encode(), data.__getitem__))
    assert items == [{"Bucket": "b", "Key": "a b"}, {"Bucket": "b", "Key": "c"}]
    with pytest.raises(ItemsError):
        list(inventory_items(b'{"fileFormat": "ORC"}', data.__getitem__))


@given(
    st.lists(st.text(max_size=10), max_size=40),
    st.none() | st.integers(1, 10),
    st.none() | st.integers(80, 200),
)
def test_batches_keep_order_and_bounds(items: list[str], most: int | None, most_bytes: int | None) -> None:
    groups = batches(items, most, most_bytes)
    assert [item for group in groups for item in group] == items
    assert all(groups) or not items
    for group in groups:
        assert most is None or len(group) <= most
        assert (
            most_bytes is None
            or sum(len(text_of(item).encode("utf-8", "surrogatepass")) for item in group) <= most_bytes
        )


def test_an_item_larger_than_a_batch() -> None:
    with pytest.raises(ValueError, match="exceeds MaxInputBytesPerBatch"):
        batches(["x" * 100], None, 50)
    assert batch_input([1], None) == {"Items": [1]}
    assert batch_input([1], {"k": 2}) == {"BatchInput": {"k": 2}, "Items": [1]}


def child(index: int, status: str, output: Any = None) -> Child:
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.UTC)
    return Child(
        f"arn:{index}", str(index), "arn:machine", {"i": index}, 1, moment, status, moment, output, "E", "c"
    )


@pytest.mark.parametrize(
    ("transformation", "output_type", "expected"),
    [
        ("COMPACT", "JSON", b'[[1,2],"x"]'),
        ("FLATTEN", "JSON", b'[1,2,"x"]'),
        ("FLATTEN", "JSONL", b'1\n2\n"x"'),
    ],
)
def test_result_files(transformation: str, output_type: str, expected: bytes) -> None:
    children = [child(0, "SUCCEEDED", [1, 2]), child(1, "FAILED"), child(2, "SUCCEEDED", "x")]
    contents, listed = files(children, "p/", transformation, output_type)
    (written,) = listed["SUCCEEDED"]
    assert contents[written["Key"]] == expected
    assert written["Size"] == len(expected)
    assert listed["PENDING"] == []
    assert len(listed["FAILED"]) == 1


def test_whole_records() -> None:
    contents, listed = files([child(0, "SUCCEEDED", {"o": 1}), child(1, "FAILED")], "")
    good, bad = (json.loads(contents[listed[status][0]["Key"]])[0] for status in ("SUCCEEDED", "FAILED"))
    assert (good["Output"], good["StartDate"], good["Status"]) == (
        '{"o":1}',
        "2024-01-02T03:04:05.678Z",
        "SUCCEEDED",
    )
    assert (bad["Error"], bad["Cause"]) == ("E", "c")
    assert "Output" not in bad


def machine(state: dict[str, Any]) -> str:
    return json.dumps({"StartAt": "M", "States": {"M": {"Type": "Map", "End": True, **state}}})


def test_settings_are_taken_out_of_nested_states() -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "P",
        "States": {},
    }
    inner = json.loads(machine({"ItemProcessor": processor, "ItemBatcher": {"MaxItemsPerBatch": 2}}))
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "O",
        "States": {"O": {"Type": "Parallel", "Branches": [inner]}},
    }
    known, settings = taken_out(json.dumps(definition))
    assert settings["M"].batcher == {"MaxItemsPerBatch": 2}
    assert settings["M"].jsonata
    assert "ItemBatcher" not in known
    assert '"STANDARD"' in known


def test_a_definition_without_distributed_maps_stays_as_it_is() -> None:
    for text in ("{", machine({"ItemProcessor": {"StartAt": "P", "States": {}}}), "[]"):
        assert taken_out(text) == (text, {})


@pytest.mark.parametrize(
    "fields",
    [
        {"ItemBatcher": {"BatchInput": {}}},
        {"ItemReader": {"ReaderConfig": {"InputType": "PARQUET"}}},
        {"ItemReader": {"ReaderConfig": {"InputType": "CSV", "Transformation": "LOAD_AND_FLATTEN"}}},
    ],
)
def test_settings_that_are_refused(fields: dict[str, Any]) -> None:
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "P", "States": {}}
    with pytest.raises(SettingsError, match="/States/M/"):
        taken_out(machine({"ItemProcessor": processor, **fields}))
