"""Of `extra`, only an outline stays that nobody can have written into."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl import outline as module
from ssetl.outline import is_label, outline

PLANTED = "planted text"
NAMES = st.sampled_from(
    sorted(module._NAMES | {"arguments", "metadata", "top_logprobs", PLANTED, "", "$literal"})
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(PLANTED) | st.sampled_from(["stop", "", "two words"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)


def dropped(_text: str) -> None:
    return None


def starred(text: str) -> str:
    return f"*{len(text)}"


def outlined(value: Any, hide: module.Hide = starred) -> Any:
    return outline(value, hide)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_nothing_that_was_written_stays(value: dict[str, Any]) -> None:
    for hide in (dropped, starred):
        assert "planted" not in json.dumps(outlined(value, hide))


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_an_outline_is_its_own_outline_where_texts_are_dropped(value: dict[str, Any]) -> None:
    once = outlined(value, dropped)
    assert outlined(once, dropped) == once


@pytest.mark.parametrize(
    ("value", "hidden", "dropped_"),
    [
        (
            {"usage": {"prompt_tokens": 3, "x": 1}},
            {"usage": {"prompt_tokens": 3, "*1": "*1"}},
            {"usage": {"prompt_tokens": 3}},
        ),
        (
            {"choices": [{}, {"delta": {"content": "Hi"}}]},
            {"choices": [{}, {"delta": {"content": "*2"}}]},
            {"choices": [{}, {"delta": {}}]},
        ),
        ({"choices": [{"finishReason": "stop"}]},) * 3,
        ({"finish_reason": "two words"}, {"finish_reason": "*9"}, {}),
        ({"type": "x" * 129}, {"type": "*129"}, {}),
        ({"item": {"arguments": {"city": "Porto"}}}, {"item": {"*9": "*16"}}, {"item": {}}),
        ({"delta": {"reasoning": {"$column": "reasoning"}}},) * 3,
        ({"id": None, "sequence_number": 7, "filtered": False},) * 3,
        ({"tokens": [1, 2]}, {"tokens": ["*1", "*1"]}, {"tokens": [None, None]}),
        ({"context": [1, 2]}, {"*7": "*5"}, {}),
        ({"content": 1234}, {"content": "*4"}, {}),
        ({"id": {"a": "b"}}, {"id": "*9"}, {}),
        ({"logprobs": {"Porto": -1}}, {"*8": "*12"}, {}),
    ],
)
def test_what_stays(value: Any, hidden: Any, dropped_: Any) -> None:
    assert outlined(value, starred) == hidden
    assert outlined(value, dropped) == dropped_


def test_a_label_is_one_word() -> None:
    assert all(map(is_label, ["stop", "chat.completion.chunk", "!", "x" * 128]))
    assert not any(map(is_label, ["", "two words", "x" * 129, "é", "a\nb", "stop\n"]))
