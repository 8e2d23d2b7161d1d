"""JSON documents, whole and damaged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures import jsontree

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([None, 1]))
def test_a_whole_document(value: Any, indent: int | None) -> None:
    loaded = jsontree.load(json.dumps(value, indent=indent).encode())
    assert (loaded.values, loaded.reason) == ([value], None)


def test_documents_follow_each_other() -> None:
    loaded = jsontree.load(b'{"a":\n1}\n\n{"b":2}[3]')
    assert (loaded.values, loaded.reason) == ([{"a": 1}, {"b": 2}, [3]], None)


@given(st.lists(VALUES, max_size=4), st.sampled_from(["interactions", "Entries"]), st.data())
def test_a_cut_list_keeps_its_whole_elements(elements: list[Any], name: str, data: st.DataObject) -> None:
    text = json.dumps({"version": 1, name: elements}, ensure_ascii=False).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    loaded = jsontree.load(text[:cut])
    for value in loaded.values:
        found = value.get(name, [])
        # a number at the cut may be a shorter one
        assert found[:-1] == elements[: max(len(found) - 1, 0)]
        assert loaded.reason is not None
    assert 0 <= loaded.end <= cut


@pytest.mark.parametrize(
    ("text", "values", "end"),
    [
        (b'{"log":{"v":1,"entries":[{"a":1},{"b":', [{"log": {"v": 1, "entries": [{"a": 1}]}}], 32),
        (b'{"recordings":[{"a":"\xe2\x82\xac"},x]}', [{"recordings": [{"a": "€"}]}], 26),
        (b'[{"a":1}, {"b":2}, {"c', [[{"a": 1}, {"b": 2}]], 17),
        (b'{"interactions":[{"a":1}],"meta":{"b"', [{"interactions": [{"a": 1}]}], 25),
        (b'{"chunks":[{"a":1},', [], 0),
        (b'{"a":1} garbage', [{"a": 1}], 7),
        (b'{"a":1}\n{"interactions":[{"b":1},', [{"a": 1}, {"interactions": [{"b": 1}]}], 32),
        (b'{"a"', [], 0),
        (b"{", [], 0),
        (b"x", [], 0),
    ],
)
def test_what_is_whole_of_a_damaged_document(text: bytes, values: list[Any], end: int) -> None:
    loaded = jsontree.load(text)
    assert (loaded.values, loaded.end) == (values, end)
    assert loaded.reason is not None


def test_depth_and_size_are_bounded() -> None:
    assert jsontree.load(b"[" * 200_000).reason is not None
    assert jsontree.load(b'{"interactions":' * 50_000).reason is not None
    assert jsontree.load(b"[" + b"9" * 50_000 + b"]").reason is None


@given(st.lists(VALUES, max_size=5))
def test_elements_are_found_where_they_stand(values: list[Any]) -> None:
    text = json.dumps(values, ensure_ascii=False).encode()
    assert [json.loads(text[start:end]) for start, end in jsontree.elements(text)] == values


@given(st.binary(max_size=200) | st.text('{}[]",:1a ', max_size=60).map(str.encode))
def test_no_bytes_raise(text: bytes) -> None:
    loaded = jsontree.load(text)
    assert 0 <= loaded.end <= len(text)
