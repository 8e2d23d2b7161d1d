"""Columns that hold the same in all rows."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl import tables
from ssetl.fast import helper, uniform
from ssetl.privacy import SCREENED

KINDS = {field.name: field.type for field in tables.CHUNKS}


def batch(**columns: list[object]) -> pa.RecordBatch:
    """Rows of `chunks`; columns that are not given are null."""
    count = len(columns["byte_offset"])
    arrays = [
        pa.array(columns.get(field.name, [None] * count), field.type)
        if not pa.types.is_dictionary(field.type)
        else pa.array(columns.get(field.name, [None] * count), pa.string())
        .dictionary_encode()
        .cast(field.type)
        for field in tables.CHUNKS
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=tables.CHUNKS)


@pytest.mark.parametrize("name", KINDS)
def test_a_column_of_nulls(name: str) -> None:
    column = uniform.column(KINDS[name], 11, None)
    column.validate(full=True)
    assert (column.type, column.to_pylist()) == (KINDS[name], [None] * 11)


def test_a_column_of_one_text_or_of_zeros() -> None:
    for name, value in (("api", "messages"), ("choice_index", 0), ("input_tokens", 0)):
        column = uniform.column(KINDS[name], 9, value)
        column.validate(full=True)
        assert (column.type, column.to_pylist()) == (KINDS[name], [value] * 9)


VALUES = {
    "byte_offset": st.integers(0, 3),
    "choice_index": st.none() | st.integers(0, 1),
    "input_tokens": st.none() | st.integers(0, 1),
    "created_at": st.none() | st.just(0),
    "api": st.none() | st.sampled_from("ab"),
    "content": st.none() | st.just(""),
    "tool_calls": st.none() | st.just([]),
}
ROWS = st.lists(st.fixed_dictionaries(VALUES), max_size=4)


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_what_is_passed_on_without_them_is_completed(some: list[list[dict[str, object]]]) -> None:
    batches = [batch(**{name: [row[name] for row in rows] for name in VALUES}) for rows in some]
    told, rest = uniform.without(batches)
    assert all(name not in each.schema.names for each in rest for name in told)
    assert {"extra", "role"} <= set(told)
    again = [uniform.completed(each, told) for each in rest]
    assert [each.to_pylist() for each in again] == [each.to_pylist() for each in batches]
    assert [each.schema for each in again] == [each.schema for each in batches]


def test_what_one_batch_is_known_to_be_the_others_are_not() -> None:
    plain = batch(byte_offset=[1, 2], content=["a", "b"], extra=['{"a":1}', None])
    place = plain.schema.get_field_index("extra")
    known = plain.schema.set(place, plain.schema.field(place).with_metadata(SCREENED))
    marked = pa.RecordBatch.from_arrays(plain.columns, schema=known)
    for batches, is_marked in (([marked, plain], False), ([plain, marked], False), ([marked, marked], True)):
        told, rest = uniform.without(batches)
        sink = pa.BufferOutputStream()
        helper._put(rest, sink)
        again = [uniform.completed(each, told) for each in helper._batches(sink.getvalue())]
        assert [each.to_pylist() for each in again] == [plain.to_pylist()] * 2
        marks = [each.schema.field("extra").metadata == SCREENED for each in again]
        assert marks == [is_marked] * 2
