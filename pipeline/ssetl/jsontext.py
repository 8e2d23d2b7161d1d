"""JSON text to values and back, lenient where captures are, exact where numbers are.

What the strict decoder refuses is tried with the standard library: invalid UTF-8 and unpaired
surrogates become U+FFFD, and numbers that JSON or a double does not know (NaN, Infinity, 1e999) become
strings. Integers keep all their digits.
"""

import json
import math
import re
from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 200
"""Deeper nesting is refused: every walk over a value is recursive."""

MAX_DIGITS: Final = 4300
"""A longer integer, its sign counted, becomes a string: both decoders refuse it, for it takes them long."""


MAX_VALUES: Final = 4 << 20
"""A text of more values (elements and members, at any depth) is refused: each takes up to 200 bytes."""


class NotJson(ValueError):
    """The text is no JSON; the message is a reason for the `rejects` table."""


def decode(text: bytes, *, max_values: int = MAX_VALUES) -> Any:
    """The value of a JSON text.

    Raises:
        NotJson: even a lenient decoder finds no JSON, or it is nested deeper than `MAX_DEPTH`, or it holds
            more than `max_values`.
    """
    if holds_more(text, max_values):
        raise NotJson("too_many_values")
    try:
        value = _strict.decode(text)
    except RecursionError:
        raise NotJson("nested_too_deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _decode_leniently(text)
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise NotJson("nested_too_deeply")
    return value


def holds_more(text: bytes, values: int) -> bool:
    """Whether a JSON text holds more than so many values, told without decoding it: from its separators."""
    if len(text) <= values or _separators(text) <= values:
        return False
    return _separators(_STRING.sub(b"", text)) > values


def encode(value: Any) -> str:
    """Compact JSON text of a value that `decode` gave."""
    return _encoder.encode(value).decode()


def _decode_leniently(text: bytes) -> Any:
    try:
        return _pair(_lenient.decode(text.decode("utf-8", "replace").strip(" \t\r\n")))
    except RecursionError:
        raise NotJson("nested_too_deeply") from None
    except ValueError:
        raise NotJson("not_json") from None


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _int(text: str) -> int | str:
    return int(text) if len(text) <= MAX_DIGITS else text


def _separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_strict = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_lenient = json.JSONDecoder(parse_float=_float, parse_int=_int, parse_constant=str)


def _pair(value: Any) -> Any:
    """`value` with each surrogate that stands alone replaced by U+FFFD."""
    if type(value) is str:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if type(value) is list:
        return [_pair(element) for element in value]
    if type(value) is dict:
        return {_pair(key): _pair(member) for key, member in value.items()}
    return value


def _depth(value: Any) -> int:
    """How deeply lists and objects are nested; without recursion."""
    depth, level = 0, [value]
    while level := [v for v in level if type(v) in (dict, list)]:
        depth += 1
        level = [m for v in level for m in (v.values() if type(v) is dict else v)]
    return depth
