"""RecordIO and SageMaker's Record: what is written is what is read, and the bytes are Protocol Buffers'."""

import base64
import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from mdlc_emulator.algorithms.formats import matrix, recordio, uniform
from mdlc_emulator.algorithms.formats import record as wire

from tests.emulator.algorithms.jobs import python

KINDS = st.sampled_from([np.float32, np.float64, np.int32])
NAMES = st.text(max_size=8)


@st.composite
def tensors(draw: st.DrawFn) -> wire.Tensor:
    kind = draw(KINDS)
    values = draw(arrays(kind, st.integers(0, 20)))
    sparse = draw(st.booleans()) and len(values) > 0
    keys = draw(arrays(np.uint64, len(values))) if sparse else None
    shape = tuple(draw(st.lists(st.integers(0, 2**63), max_size=3)))
    return wire.Tensor(values, keys, shape)


RECORDS = st.builds(
    wire.Record,
    features=st.dictionaries(NAMES, tensors(), max_size=3),
    label=st.dictionaries(NAMES, tensors(), max_size=2),
    uid=NAMES,
    metadata=NAMES,
    configuration=NAMES,
)
MATRICES = arrays(
    st.sampled_from([np.float32, np.float64]), array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_framed_records_are_read_as_they_were_written(records: list[bytes]) -> None:
    framed = recordio.join(records)
    assert len(framed) % 4 == 0
    assert [bytes(record) for record in recordio.split(framed)] == records


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4), st.data())
def test_a_cut_in_the_bytes_is_an_error_and_never_another_record(
    records: list[bytes], data: st.DataObject
) -> None:
    framed = recordio.join(records)
    cut = data.draw(st.integers(1, len(framed) - 1))
    found = []
    with suppress(recordio.RecordIOError):
        found.extend(bytes(record) for record in recordio.split(framed[:cut]))
        # No error: what was cut off filled up the last record, or was whole records.
    assert found == records[: len(found)]


def test_what_does_not_begin_with_the_magic_number_is_refused_with_its_place() -> None:
    with pytest.raises(recordio.RecordIOError, match="Invalid RecordIO magic at offset 12"):
        list(recordio.split(recordio.join([b"abc"]) + b"1,2,3,4\n"))


def test_a_record_in_parts_is_put_together() -> None:
    # dmlc-core's recordio.h: a magic number inside a record parts it.
    first = b"\x0a\x23\xd7\xce" + (1 << 29 | 4).to_bytes(4, "little") + b"abcd"
    last = b"\x0a\x23\xd7\xce" + (3 << 29 | 2).to_bytes(4, "little") + b"ef\0\0"
    assert [bytes(part) for part in recordio.split(first + last)] == [b"abcd\x0a\x23\xd7\xceef"]


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record: wire.Record) -> None:
    assert wire.parse(wire.serialize(record)) == record


@given(RECORDS, st.data())
def test_a_record_cut_short_is_refused_or_shorter(record: wire.Record, data: st.DataObject) -> None:
    content = wire.serialize(record)
    cut = data.draw(st.integers(0, len(content)))
    try:
        found = wire.parse(content[:cut])
    except wire.RecordError:
        return
    assert set(found.features) <= set(record.features) | {""}


@given(MATRICES, st.booleans())
def test_a_matrix_is_read_as_it_was_written(features: Any, labelled: bool) -> None:
    labels = np.arange(len(features), dtype=np.float32) if labelled else None
    found = matrix.read(matrix.write(features, labels))
    assert found.features.dtype == features.dtype
    assert found.features.tobytes() == features.tobytes()
    assert (found.labels is None) if labels is None else np.array_equal(found.labels, labels)


@given(MATRICES, MATRICES)
def test_the_fast_way_reads_and_writes_what_the_slow_way_does(features: Any, more: Any) -> None:
    count = min(len(features), len(more))
    columns = {(1, "values"): features[:count], (2, "other"): more[:count]}
    one_by_one = recordio.join(
        wire.serialize(wire.Record({"values": wire.Tensor(features[row])}, {"other": wire.Tensor(more[row])}))
        for row in range(count)
    )
    assert uniform.write(columns) == one_by_one
    found = uniform.read(one_by_one)
    assert found is not None
    for key, values in columns.items():
        assert found[key].tobytes() == np.ascontiguousarray(values).tobytes()


def test_records_of_different_lengths_are_no_matrix() -> None:
    rows = [np.ones(3, np.float32), np.ones(4, np.float32)]
    data = recordio.join(wire.serialize(wire.Record({"values": wire.Tensor(row)})) for row in rows)
    # https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-sagemaker-models-logs.html
    with pytest.raises(
        matrix.MatrixError, match="cannot copy sequence with size 4 to array axis with dimension 3"
    ):
        matrix.read(data)


SCHEMA = """
import base64, json, sys
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")
F = descriptor_pb2.FieldDescriptorProto
def message(name):
    m = file.message_type.add(); m.name = name; return m
def field(m, name, number, kind, label=F.LABEL_OPTIONAL, type_name=None, packed=None):
    f = m.field.add(); f.name, f.number, f.type, f.label = name, number, kind, label
    if type_name: f.type_name = ".aialgs.data." + type_name
    if packed: f.options.packed = True
kinds = {"Float32Tensor": F.TYPE_FLOAT, "Float64Tensor": F.TYPE_DOUBLE, "Int32Tensor": F.TYPE_INT32}
for name, kind in kinds.items():
    m = message(name)
    field(m, "values", 1, kind, F.LABEL_REPEATED, packed=True)
    field(m, "keys", 2, F.TYPE_UINT64, F.LABEL_REPEATED, packed=True)
    field(m, "shape", 3, F.TYPE_UINT64, F.LABEL_REPEATED, packed=True)
value = message("Value")
value.oneof_decl.add().name = "value"
for name, number in (("Float32Tensor", 2), ("Float64Tensor", 3), ("Int32Tensor", 7)):
    field(value, name.replace("Tensor", "_tensor").lower(), number, F.TYPE_MESSAGE, type_name=name)
    value.field[-1].oneof_index = 0
record = message("Record")
for name, number in (("features", 1), ("label", 2)):
    entry = record.nested_type.add(); entry.name = name.capitalize() + "Entry"; entry.options.map_entry = True
    field(entry, "key", 1, F.TYPE_STRING); field(entry, "value", 2, F.TYPE_MESSAGE, type_name="Value")
    field(record, name, number, F.TYPE_MESSAGE, F.LABEL_REPEATED, "Record." + entry.name)
for name, number in (("uid", 3), ("metadata", 4), ("configuration", 5)):
    field(record, name, number, F.TYPE_STRING)
pool = descriptor_pool.DescriptorPool(); pool.Add(file)
Record = message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))
out = []
for text in json.load(sys.stdin):
    found = Record.FromString(base64.b64decode(text))
    said = {}
    for part in ("features", "label"):
        for name, value in sorted(getattr(found, part).items()):
            kind = value.WhichOneof("value"); tensor = getattr(value, kind)
            said[part + ":" + name] = [kind, list(tensor.values), list(tensor.keys), list(tensor.shape)]
    said["texts"] = [found.uid, found.metadata, found.configuration]
    out.append([said, base64.b64encode(found.SerializeToString()).decode()])
json.dump(out, sys.stdout)
"""
"""Protocol Buffers' own library, given AWS's schema: what it reads in our bytes, and what it writes."""


def test_protocol_buffers_reads_our_bytes_and_we_read_its() -> None:
    random = np.random.default_rng(7)
    records = [
        wire.Record(
            {
                "values": wire.Tensor(random.normal(size=5).astype(kind) * 1000),
                "é": wire.Tensor(np.zeros(0, kind)),
            },
            {"values": wire.Tensor(np.array([-3], kind), np.array([2**40], np.uint64), (2**50,))},
            "id",
            "m",
            "c",
        )
        for kind in (np.float32, np.float64, np.int32)
    ]
    ours = [wire.serialize(record) for record in records]
    asked = json.dumps([base64.b64encode(content).decode() for content in ours]).encode()
    kinds = ("float32_tensor", "float64_tensor", "int32_tensor")
    for record, kind, (said, theirs) in zip(
        records, kinds, json.loads(python(SCHEMA, data=asked)), strict=True
    ):
        assert said["features:values"] == [kind, record.features["values"].values.tolist(), [], []]
        assert said["label:values"] == [kind, [-3], [2**40], [2**50]]
        assert said["texts"] == ["id", "m", "c"]
        assert wire.parse(base64.b64decode(theirs)) == record
