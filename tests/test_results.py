from itertools import chain

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl import results
from ssetl.errors import ResultTooLarge
from ssetl.results import gathered, held


def batch(rows: list[int]) -> pa.RecordBatch:
    return pa.record_batch({"n": pa.array(rows, pa.int64())})


@given(st.lists(st.lists(st.integers(0, 9), max_size=6)), st.integers(1, 9), st.integers(1, 80))
def test_gathered_rows_are_the_same_in_no_more_batches(parts: list[list[int]], rows: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "BATCH_ROWS", rows)
        patch.setattr(results, "BATCH_BYTES", size)
        found = [part["n"].to_pylist() for part in gathered(map(batch, parts))]
    assert list(chain(*found)) == list(chain(*parts))
    assert len(found) <= len(parts)
    largest = max(map(len, parts), default=0)
    assert all(len(part) <= max(rows, largest) and len(part) * 8 <= max(size, largest * 8) for part in found)


def test_small_batches_become_one() -> None:
    assert [part.num_rows for part in gathered([batch([1, 2])] * 40_000)] == [65_536, 14_464]


def test_what_is_held_has_a_bound() -> None:
    read = []

    def batches() -> pa.RecordBatchReader:
        def some() -> object:
            for number in range(10):
                read.append(number)
                yield batch([number] * (1 << 17))

        return pa.RecordBatchReader.from_batches(batch([]).schema, some())

    assert held(batches(), 10 << 20, "this").num_rows == 10 << 17
    read.clear()
    with pytest.raises(ResultTooLarge, match="first 393,216 rows take 3 MiB; 2 MiB is the limit of this"):
        held(batches(), 2 << 20, "this")
    assert read == [0, 1, 2]
