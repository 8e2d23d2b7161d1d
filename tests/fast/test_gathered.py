"""Texts and lists from several arrays: the same as value by value."""

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ssetl import kernels
from ssetl.fast.gathered import gathered

WORDS = st.lists(st.text("aé☃", max_size=3), max_size=6)
LISTS = st.lists(st.lists(st.text("ab", max_size=2), max_size=2), max_size=6)


@st.composite
def picks(draw: st.DrawFn, values: st.SearchStrategy[list[Any]]) -> tuple[list[list[Any]], list[int]]:
    """Some lists of values, and places in them, counted as `gathered` does; most of them in runs."""
    given = draw(st.lists(values, min_size=1, max_size=4))
    firsts = np.cumsum([0, *(len(each) + 1 for each in given)])
    runs = []
    for _ in range(draw(st.integers(0, 4))):
        number = draw(st.integers(0, len(given) - 1))
        if given[number]:
            start = draw(st.integers(0, len(given[number]) - 1))
            stop = draw(st.integers(start, len(given[number])))
            runs.append(np.arange(start, stop) + firsts[number])
    return given, [int(place) for run in runs for place in run]


def check(given: list[list[Any]], places: list[int], kind: pa.DataType, repeats: int) -> None:
    arrays = [pa.array([None, *each, None], kind)[1:-1] for each in given]  # slices, as matches may have
    firsts = [0, *np.cumsum([len(each) + 1 for each in given])]
    flat = {
        first + n: value for first, each in zip(firsts, given, strict=False) for n, value in enumerate(each)
    }
    wanted = [flat[place] for place in places] * repeats
    found = gathered(
        arrays,
        np.array(places * repeats, np.int64),
        np.array([bool(value) for value in wanted], np.bool_),
        kernels.bits(np.ones(len(wanted), np.bool_)),
    )
    found.validate(full=True)
    assert found.to_pylist() == wanted


@given(picks(WORDS), st.integers(1, 20))
def test_texts(picked: tuple[list[list[str]], list[int]], repeats: int) -> None:
    check(*picked, pa.string(), repeats)


@given(picks(LISTS), st.integers(1, 20))
def test_lists(picked: tuple[list[list[list[str]]], list[int]], repeats: int) -> None:
    check(*picked, pa.list_(pa.string()), repeats)


def test_what_is_not_filled_is_null_or_empty() -> None:
    places, filled = np.array([0, 3, 4, 1]), np.array([False, True, True, False])
    arrays = [pa.array(["", None]), pa.array(["b", "c"])]
    found = gathered(arrays, places, filled, kernels.bits(np.array([True, True, True, False])))
    assert found.to_pylist() == ["", "b", "c", None]


def test_runs_are_not_joined_across_arrays() -> None:
    arrays = [pa.array(["a", "b"]), pa.array(["c", "d"])]
    places = np.array([0, 1, 3, 4] * 16)
    assert gathered(arrays, places, places >= 0, None).to_pylist() == list("abcd" * 16)
