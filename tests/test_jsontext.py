"""JSON text to values and back."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import table
from ssetl import jsontext
from ssetl.jsontext import MAX_DEPTH, MAX_DIGITS, NotJson, decode, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def typed(value: Any) -> str:
    """A text in which 1, 1.0 and true differ."""
    return repr(value)


@table(
    "text, value",
    {
        "an object": (b' {"a": [1, 2.5, true, null, "x"]} \n', {"a": [1, 2.5, True, None, "x"]}),
        "of equal keys the last wins": (b'{"a":1,"a":2}', {"a": 2}),
        "integers keep their digits": (b"123456789012345678901234567890", 123456789012345678901234567890),
        "2^64": (b"[18446744073709551616,-9223372036854775809]", [2**64, -(2**63) - 1]),
        "numbers keep their type": (b"[1,1.0,-0.0]", [1, 1.0, -0.0]),
        "numbers that no double holds": (b"[1e999,-1e999,1]", ["1e999", "-1e999", 1]),
        "numbers that JSON does not know": (b"[NaN,Infinity,-Infinity]", ["NaN", "Infinity", "-Infinity"]),
        "the longest integer": (b"1" * MAX_DIGITS, int("1" * MAX_DIGITS)),
        "an endless integer": (b"1" * (MAX_DIGITS + 1), "1" * (MAX_DIGITS + 1)),
        "an endless integer beside NaN": (
            b"[NaN,-" + b"1" * MAX_DIGITS + b"]",
            ["NaN", "-" + "1" * MAX_DIGITS],
        ),
        "the longest integer beside NaN": (
            b"[NaN," + b"1" * MAX_DIGITS + b"]",
            ["NaN", int("1" * MAX_DIGITS)],
        ),
        "a pair of surrogates": (rb'"\ud83d\ude00"', "\U0001f600"),
        "a surrogate alone": (rb'{"\ud83d":["\ude00x"]}', {"\ufffd": ["\ufffdx"]}),
        "surrogates in the wrong order": (rb'"\ude00\ud83d\ude00"', "\ufffd\U0001f600"),
        "invalid UTF-8": (b'{"a":"\xff\xe2\x80"}', {"a": "\ufffd\ufffd"}),
        "NUL": (rb'"\u0000"', "\0"),
    },
)
def test_what_captures_hold_is_read(text: bytes, value: Any) -> None:
    assert typed(decode(text)) == typed(value)


@table(
    "text, reason",
    {
        "nothing": (b"", "not_json"),
        "a word": (b"hello", "not_json"),
        "an object that was cut": (b'{"a":1', "not_json"),
        "two values": (b'{"a":1}{"a":2}', "not_json"),
        "a line end in a text": (b'"a\nb"', "not_json"),
        "single quotes": (b"{'a':1}", "not_json"),
        "too deep": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested_too_deeply"),
        "too deep, objects": (
            b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
            "nested_too_deeply",
        ),
        "far too deep": (b"[" * 100_000 + b"]" * 100_000, "nested_too_deeply"),
        "far too deep, and cut": (b'{"a":' * 100_000, "nested_too_deeply"),
        "too deep, and lenient": (b"[" * 5000 + b"NaN" + b"]" * 5000, "nested_too_deeply"),
    },
)
def test_what_is_no_json_says_why(text: bytes, reason: str) -> None:
    with pytest.raises(NotJson, match=f"^{reason}$"):
        decode(text)


def test_depth_is_that_of_nesting_and_not_of_brackets() -> None:
    assert decode(b'["' + b"[{" * MAX_DEPTH + b'"]') == ["[{" * MAX_DEPTH]
    wide = b"[" + b",".join([b"[]"] * MAX_DEPTH) + b"]"
    assert decode(wide) == [[]] * MAX_DEPTH
    assert len(encode(decode(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH))) == 2 * MAX_DEPTH


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert typed(decode(encode(value).encode())) == typed(value)
    assert typed(decode(json.dumps(value).encode())) == typed(value)


@given(st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()[:-1]))
def test_any_bytes_are_a_value_or_a_reason(text: bytes) -> None:
    with suppress(NotJson):
        value = decode(text)
        assert typed(decode(encode(value).encode())) == typed(value)


@given(VALUES)
def test_the_lenient_decoder_agrees_with_the_strict_one(value: Any) -> None:
    text = encode(value).encode()
    assert typed(jsontext._decode_leniently(text)) == typed(decode(text))
