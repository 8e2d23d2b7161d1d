import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssetl import apis
from ssetl.apis.row import Row, diff, drop_nulls, flatten, merge, restore

PLAIN = ("a", "b", "text", "choices")
SCALARS = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from([1.0, 0.5, "", "a", "content"])


def objects(*keys):
    """JSON objects with members of these names at any depth."""
    names = st.sampled_from(keys)
    values = st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=15,
    )
    return st.dictionaries(names, values, max_size=4)


def exactly(value):
    return json.dumps(value, sort_keys=True)


@settings(max_examples=300)
@given(base=objects(*PLAIN), target=objects(*PLAIN, "$column", "$literal"))
def test_a_patch_makes_the_target_of_the_base(base, target):
    assert exactly(drop_nulls(merge(base, diff(base, target)))) == exactly(drop_nulls(target))


@given(value=objects(*PLAIN))
def test_what_equals_but_for_nulls_needs_no_patch(value):
    assert diff(value, drop_nulls(value)) == {}


@pytest.mark.parametrize(
    ("base", "target", "patch"),
    [
        ({"a": 1}, {"a": 1, "b": None}, {}),
        ({"a": 1}, {"a": 1.0}, {"a": 1.0}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}),
        ({"a": {"b": None}}, {"a": {}}, {}),
        ({}, {"a": {}}, {"a": {}}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, {"a": [{}, {"b": 3}]}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": {"b": 1, "c": {"d": None}}}, {"a": {"b": 1, "c": {"d": None}}}, {}),
        ({}, {"a": {"$column": "content"}}, {"a": {"$literal": {"$column": "content"}}}),
    ],
)
def test_patches(base, target, patch):
    assert diff(base, target) == patch


def test_a_text_that_a_column_holds_is_not_written_twice():
    chunk = {
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": {"reasoning": "Let me think"}}],
    }
    [row] = flatten(apis.by_name("chat.completions"), chunk)
    assert json.loads(row.extra) == {
        "choices": [{"delta": {"reasoning": {"$column": "reasoning"}, "reasoning_content": None}}]
    }


def test_extra_of_the_event_stands_on_its_first_row_and_that_of_a_choice_on_its_own():
    choices = [
        {"index": 0, "delta": {}, "x": 1},
        {"index": 1, "delta": {}},
        {"index": 2, "delta": {}, "x": 3},
    ]
    chunk = {"object": "chat.completion.chunk", "choices": choices, "p": "abc"}
    api = apis.by_name("chat.completions")
    rows = flatten(api, chunk)
    assert [row.extra for row in rows] == [
        '{"p":"abc","choices":[{"x":1}]}',
        None,
        '{"choices":[{"x":3}]}',
    ]
    assert restore(api, rows) == chunk


def test_the_deepest_value_that_is_read_comes_back():
    chunk: dict = {"$column": "content"}
    for _ in range(199):
        chunk = {"a": chunk}
    assert restore(apis.UNKNOWN, flatten(apis.UNKNOWN, chunk)) == chunk


def test_a_row_without_extra_is_the_row_of_its_columns():
    assert restore(apis.UNKNOWN, [Row()]) == {}
