"""YAML documents: the values of a text, and of a damaged text those that are whole.

No object is ever constructed. Every tag is data: `!binary` and `!!binary` are base64, any other is
ignored. A scalar is text unless it looks like a number, a boolean or null as JSON has them; dates stay
text. An alias gives its target once more, not a copy; aliases that expand to too much are damage, and so
is deep nesting.
"""

import re
from typing import Any, Final

import msgspec
import yaml
from yaml import events

from ssetl.captures import bodies
from ssetl.captures.documents import EXCHANGE_LISTS, Loaded

MAX_ALIASED: Final = 64 << 20
"""Characters that the aliases of a text may add to it when they are expanded."""

MAX_DEPTH: Final = 200
"""Deeper nesting is damage."""

MAX_EVENTS: Final = 4 << 20
"""A text of more scalars and brackets is damage from there on: they are slow to read, and large."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?")
_CONSTANTS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_STARTS: Final = (events.MappingStartEvent, events.SequenceStartEvent)
_ENDS: Final = (events.MappingEndEvent, events.SequenceEndEvent)
_BINARY: Final = frozenset({"!binary", "tag:yaml.org,2002:binary"})


def load(text: bytes) -> Loaded:
    """The values of the documents of a YAML text."""
    chars = _UNPRINTABLE.sub("\ufffd", text.decode("utf-8", "replace").removeprefix("\ufeff"))
    builder = _Builder()
    reason = None
    try:
        for event in yaml.parse(chars, Loader=_LOADER):
            builder.take(event)
    except (yaml.YAMLError, _Damage, RecursionError) as why:
        reason = str(why) if isinstance(why, _Damage) else "not_yaml"
        builder.salvage()
    if reason is None:
        return Loaded(builder.values, len(text))
    return Loaded(builder.values, min(len(chars[: builder.end].encode()), len(text)), reason)


class _Damage(ValueError):
    """The message is a reason for the `rejects` table."""


class _Open(msgspec.Struct, eq=False):
    """A list or an object that is not whole yet."""

    value: Any
    start: int
    anchor: str | None
    aliased: int = 0  # characters that aliases inside add
    key: Any = None
    has_key: bool = False


class _Builder:
    """Parser events to values. `end` is how far what is whole reaches, in characters."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.end = 0
        self._stack: list[_Open] = []
        self._listing: _Open | None = None  # the list of exchanges that was opened last
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._aliased = 0
        self._taken = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        self._taken += 1
        if self._taken > MAX_EVENTS:
            raise _Damage("too_many_values")
        if kind is events.ScalarEvent:
            end = event.end_mark.index
            self._add(_scalar(event), event.anchor, end - event.start_mark.index, end)
        elif kind in _STARTS:
            self._open({} if kind is events.MappingStartEvent else [], event)
        elif kind in _ENDS:
            done = self._stack.pop()
            end = event.end_mark.index
            self._add(done.value, done.anchor, end - done.start + done.aliased, end)
        elif kind is events.AliasEvent:
            self._alias(event)
        elif kind is events.DocumentStartEvent:
            self._anchors, self._listing = {}, None
        elif kind is events.DocumentEndEvent:
            self.end = event.end_mark.index

    def salvage(self) -> None:
        """The text ends here: keep the open document if its list of exchanges has been reached."""
        if self._listing is None or not self._stack:
            return
        if self._listing in self._stack:
            depth = self._stack.index(self._listing)
            for outer, inner in zip(self._stack[:depth], self._stack[1 : depth + 1], strict=True):
                outer.value[outer.key] = inner.value
        self.values.append(self._stack[0].value)

    def _open(self, value: Any, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise _Damage("nested_too_deeply")
        opened = _Open(value, event.start_mark.index, event.anchor)
        if isinstance(value, list) and self._may_list_exchanges():
            self._listing = opened
        self._stack.append(opened)

    def _may_list_exchanges(self) -> bool:
        outer = self._stack
        named = 1 <= len(outer) <= 2 and outer[-1].key in EXCHANGE_LISTS
        return named and all(isinstance(each.value, dict) for each in outer)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise _Damage("unknown_alias")
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            raise _Damage("too_many_aliases")
        if self._stack:
            self._stack[-1].aliased += size
        self._add(value, None, 0, event.end_mark.index)

    def _add(self, value: Any, anchor: str | None, size: int, end: int) -> None:
        """A value is whole: it goes into what is around it."""
        if anchor is not None:
            self._anchors[anchor] = value, size
        if not self._stack:
            self.values.append(value)
            return
        around = self._stack[-1]
        if isinstance(around.value, list):
            around.value.append(value)
            if around is self._listing:
                self.end = end
        elif not around.has_key:
            around.key, around.has_key = _key(value), True
        else:
            if around.key == "<<" and isinstance(value, dict):
                around.value = value | around.value
            else:
                around.value[around.key] = value
            around.has_key = False


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag in _BINARY:
        return bodies.Base64(text)
    if not event.implicit[0] or event.tag:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _key(value: Any) -> str:
    """A key as text; `? !!python/object/apply:… [Accept]`, as some header types are written, is its word."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else ""
