"""The functions of Arrow that are called by their names."""

import gc

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ssetl import kernels

TEXTS = st.lists(st.none() | st.text(max_size=5), max_size=6)


@given(TEXTS, st.integers(0, 3), st.integers(0, 3))
def test_all_texts_behind_each_other(texts: list[str | None], first: int, count: int) -> None:
    some = pa.array(texts, pa.string()).slice(first, count)
    [whole] = kernels.whole(some).to_pylist()
    assert whole == "".join(text or "" for text in some.to_pylist()).encode()


def test_a_search_lets_go_of_what_it_has_searched() -> None:
    before = pa.total_allocated_bytes()
    for pattern in ("a+b", "b"):
        values = pa.array(["a" * 1000] * 1000)
        assert not kernels.matches(kernels.whole(values), pattern)
        assert not kernels.matches(pa.chunked_array([kernels.whole(values), kernels.whole(values)]), pattern)
        del values
    gc.collect()
    assert pa.total_allocated_bytes() - before < 100_000


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=6))
def test_a_byte_is_written_over_the_first_of_each_text(texts: list[str]) -> None:
    made = kernels.take(pa.array([text.encode() for text in texts]), pa.array(range(len(texts))))
    kernels.write(made, 123)
    assert made.to_pylist() == [b"{" + text.encode()[1:] for text in texts]
