"""Instants that differ from event to event: many at once they are what each of them is by itself."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rawfiles
from ssetl.fast.instants import CLOCKS, INSTANTS, instants_at
from ssetl.fast.template import PATTERNS

FRACTIONS = st.text("0123456789", max_size=11).map(lambda digits: f".{digits}" if digits else "")
NEAR = st.builds(
    "2025-04-21T{:02}:{:02}:{:02}{}Z".format,
    st.integers(0, 25),
    st.sampled_from([0, 59, 60]),
    st.sampled_from([0, 7, 59, 60]),
    FRACTIONS,
)
TEXTS = st.lists(st.one_of(NEAR, st.sampled_from(rawfiles.INSTANTS), st.text(max_size=30)), max_size=40)


def alone(text: bytes, kind: str) -> tuple[int, int]:
    """The instant at the start of a text and where it ends, by pattern and decoder."""
    found = re.compile(PATTERNS[kind], re.DOTALL).match(text)
    try:
        return (INSTANTS[kind](found[1]), found.end()) if found else (0, -1)
    except ValueError:
        return 0, -1


@pytest.mark.parametrize("kind", CLOCKS)
@given(TEXTS)
def test_many_at_once_are_as_each_alone(kind: str, texts: list[str]) -> None:
    data, places = b"", []
    for text in texts:
        places.append(len(data))
        data += text.encode() + b'"'
    values, ends = instants_at(data, np.array(places, np.int64), kind)
    expected = [alone(data[place:], kind) for place in places]
    assert [end - place if end >= 0 else -1 for place, end in zip(places, ends.tolist(), strict=True)] == [
        end for _, end in expected
    ]
    assert [value for value, end in zip(values.tolist(), ends.tolist(), strict=True) if end >= 0] == [
        value for value, end in expected if end >= 0
    ]


def test_a_text_that_ends_too_early_is_none() -> None:
    data = b"2025-04-21T03:21:59.123456789Z"
    for size in range(len(data)):
        _, ends = instants_at(data[:size], np.zeros(1, np.int64), "nanos")
        assert ends.tolist() == [-1]
