"""Bytes to events: the WHATWG event stream rules, and what real captures need beyond them.

Feed a `Parser` the bytes of one body, cut anywhere, and take frames; `close` gives what is left. Any cut
of the same bytes gives the same frames. No I/O, and no JSON either: the decoder is a parameter.

Beyond the standard (https://html.spec.whatwg.org/multipage/server-sent-events.html):
- data lines that are no JSON when joined are tried one by one (captures without blank lines);
- a last event without its blank line counts, and so does a blank before `data:`;
- `error: {…}` as a field, and JSON that stands bare in a line or over several, are frames of their own;
- `[DONE]` is a terminator and no event;
- a line that is nothing we know ends the event before it.

Every byte belongs to one frame or to one count of `Parser.tally`: nothing is dropped silently.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ssetl.lines import MAX_LINE, MAX_SAMPLE, Line, Splitter

MAX_BARE: Final = 1 << 20
"""Bare JSON over several lines is given up beyond this size."""

MAX_DATA_LINES: Final = 1 << 16
"""An event of more data lines is cut."""

TERMINATOR: Final = b"[DONE]"

EVENT_LINES: Final = (b"data:", b"event:")
"""How lines of an event begin: bare JSON that is open before them has ended."""

_BLANK: Final = b" \t"
_FIELDS: Final = frozenset({b"event", b"id", b"retry"})
_OPENING: Final = re.compile(rb"\{[ \t]*(?:[\"}]|$)|\[[ \t]*(?:[\[{\"]|$)")
_MAY_GO_ON: Final = (b"{", b"[", b",")  # how a first line of pretty-printed JSON ends
_CLOSING: Final = (b"}", b"]")
_FRAMED: Final = (*EVENT_LINES, b": ")
_MAX_BARE_TRIES: Final = 64  # closing brackets at which bare JSON may turn out to be complete


class Event(msgspec.Struct, frozen=True):
    """One event: `value` is what the decoder made of its data.

    `size` is that of its data lines; `between` that of other lines (comments, fields) among them.
    """

    value: Any
    type: str | None
    offset: int
    size: int
    received_at: int | None = None
    between: int = 0


class Bare(msgspec.Struct, frozen=True):
    """JSON outside of `data:`: an NDJSON line, an error behind the events, a line of another log.

    `field` is the name before it, if there is one (`error`).
    """

    value: Any
    offset: int
    size: int
    line: int
    sample: bytes
    received_at: int | None = None
    field: str | None = None


class Terminator(msgspec.Struct, frozen=True):
    """`data: [DONE]`."""

    offset: int
    size: int
    received_at: int | None = None


class Comment(msgspec.Struct, frozen=True):
    """A comment line, without its colon."""

    text: bytes
    received_at: int | None = None


class Reject(msgspec.Struct, frozen=True):
    """Bytes that are nothing of the above; `unread` if the container could not even decode them."""

    offset: int
    size: int
    line: int
    reason: str
    sample: bytes
    unread: bool = False


class _Data(msgspec.Struct, frozen=True):
    """One data line that waits for its event to end, and the event type that was in force for it."""

    value: bytes
    type: str | None
    line: Line
    number: int


Frame = Event | Bare | Terminator | Comment | Reject

Decoder = Callable[[bytes, str | None], Any]
"""(data, event type) -> the event's value. Raises ValueError, its message the reason, if it is none."""


class Parser:
    """Lines to frames.

    Args:
        decode: (data, event type) -> value of an event. Raises ValueError, its message the reason.
        text_types: event types whose data is text and not JSON: their data lines are never told apart.
        max_line: longer lines become rejects.

    `tally` counts the bytes that no frame carries: blank, comment and field lines.
    """

    def __init__(
        self, decode: Decoder, *, text_types: frozenset[str] = frozenset(), max_line: int = MAX_LINE
    ) -> None:
        self.tally: Counter[str] = Counter()
        self._decode = decode
        self._text_types = text_types
        self._splitter = Splitter(max_line)
        self._frames: list[Frame] = []
        self._line_number = 0
        self._data: list[_Data] = []
        self._data_size = 0
        self._broken = False  # the one data line is no event by itself
        self._type: str | None = None
        self._reason = "not_json"
        self._bare: list[Line] = []
        self._bare_number = 0
        self._bare_size = 0
        self._bare_tries = 0
        self._stray: Reject | None = None

    def feed(self, data: bytes, received_at: int | None = None) -> list[Frame]:
        """Take bytes; give the frames that they complete."""
        for line in self._splitter.feed(data, received_at):
            self._take(line)
        return self._give()

    def line(self, line: Line) -> list[Frame]:
        """Take one line that the caller cut out itself (of a log, say); give what it completes."""
        self._take(line)
        return self._give()

    def interrupt(self) -> list[Frame]:
        """Something comes that is no line; give what is complete before it."""
        self._take_rest()
        self._interrupt()
        return self._give_all()

    def close(self) -> list[Frame]:
        """The body has ended; give what is left."""
        self._take_rest()
        self._dispatch()
        return self._give_all()

    def _take_rest(self) -> None:
        for line in self._splitter.close():
            self._take(line)
        self._give_up_bare()

    def _give_all(self) -> list[Frame]:
        self._emit_stray()
        return self._give()

    @property
    def is_idle(self) -> bool:
        """Whether what comes next can be read without what came before."""
        return self.is_idle_but_for_a_name and not self._type

    @property
    def is_idle_but_for_a_name(self) -> bool:
        """Whether that is so for what begins with the name of an event."""
        waits = self._data or self._bare or self._stray
        return self._splitter.is_idle and not waits

    @property
    def lines(self) -> int:
        """Lines that have been read or left out."""
        return self._line_number

    def skip(self, size: int, lines: int, name: str | None = None) -> None:
        """Leave out whole lines that somebody else has read; only while idle, and whole events only.

        `name` is that of an event that is in force behind them, if they have told one.
        """
        self._splitter.skip(size)
        self._line_number += lines
        if name is not None:
            self._type = name or None

    def settle(self) -> list[Frame]:
        """Give the event that is complete if a data line follows, though its blank line is missing."""
        self._settle()
        return self._give()

    def _give(self) -> list[Frame]:
        frames, self._frames = self._frames, []
        return frames

    def _take(self, line: Line) -> None:
        self._line_number += 1
        text = line.text
        if self._bare:
            if not line.overlong and not text.startswith(_FRAMED):
                self._continue_bare(line)
                return
            self._give_up_bare()
        if line.overlong:
            self._interrupt()
            self._emit(Reject(line.offset, line.size, self._line_number, "line_too_long", text))
        elif text.startswith(b"data:"):
            self._take_data(line, text[6:] if text[5:6] == b" " else text[5:])
        elif not text:
            self.tally["blank"] += line.size
            self._dispatch()
        elif text.startswith(b":"):
            self.tally["comment"] += line.size
            self._settle()
            self._emit(Comment(text[1:].strip(), line.received_at))
        else:
            self._take_other(line)

    def _take_other(self, line: Line) -> None:
        name, _, value = line.text.partition(b":")
        text = line.text.lstrip(_BLANK)
        if name in _FIELDS:
            self.tally["field"] += line.size
            if name == b"event":
                self._name_type(value.removeprefix(b" ").decode("utf-8", "replace"))
        elif not text:
            self.tally["blank"] += line.size
        elif text.startswith(b"data:"):  # a blank before it, from text folded by hand
            self._take_data(line, text[5:].removeprefix(b" "))
        elif line.text == b"data":
            self._take_data(line, b"")
        elif _OPENING.match(text):
            self._interrupt()
            self._continue_bare(line)
        elif name != b"error" or not self._emit_bare([line], value.strip(_BLANK), field="error"):
            self._interrupt()
            self._extend_stray(line, self._line_number, "log_line")

    def _name_type(self, name: str) -> None:
        if self._data and self._data[0].type in self._text_types:
            self._interrupt()  # text does not tell where it ends, but a new name does
        self._type = name or None

    def _take_data(self, line: Line, value: bytes) -> None:
        self._settle()
        if value.strip(_BLANK) == TERMINATOR:
            self._interrupt()
            self._emit(Terminator(line.offset, line.size, line.received_at))
            self._type = None
            return
        if len(self._data) >= MAX_DATA_LINES or self._data_size > MAX_LINE:
            self._interrupt()
        self._data.append(_Data(value, self._type, line, self._line_number))
        self._data_size += len(value)

    def _settle(self) -> None:
        """One data line that is an event by itself is complete: blank lines may be missing."""
        if len(self._data) != 1 or self._broken or self._data[0].type in self._text_types:
            return
        if self._emit_event(self._data, self._data[0].type):
            self._data, self._data_size = [], 0
        else:
            self._broken = True

    def _interrupt(self) -> None:
        """What has come is no part of the event: it ends here, as if there were a blank line."""
        if self._data:
            self._end_event(self._data[-1].type)

    def _dispatch(self) -> None:
        """A blank line: the event has ended, and a type that was named behind its data is its own."""
        if self._data:
            self._end_event(self._type)
        self._type = None

    def _end_event(self, event_type: str | None) -> None:
        """The data lines are one event, or else each is what it is by itself."""
        data, self._data, self._data_size, self._broken = self._data, [], 0, False
        if self._emit_event(data, event_type):
            return
        for datum in data:
            if len(data) == 1 or not self._emit_event([datum], datum.type):
                self._emit_reject(datum)

    def _emit_event(self, data: Sequence[_Data], event_type: str | None) -> bool:
        """Emit the event that `data` is when joined; False if it is none."""
        first, last = data[0].line, data[-1].line
        text, size = data[0].value, first.size
        if len(data) > 1:
            text = b"\n".join([datum.value for datum in data])
            size = sum([datum.line.size for datum in data])
        if not text.strip(_BLANK) and event_type not in self._text_types:
            self.tally["blank"] += size
            return True
        try:
            value = self._decode(text, event_type)
        except ValueError as why:
            self._reason = str(why)
            return False
        between = last.offset + last.size - first.offset - size
        self._emit(Event(value, event_type, first.offset, size, last.received_at, between))
        return True

    def _emit_reject(self, datum: _Data) -> None:
        line = datum.line
        self._emit(Reject(line.offset, line.size, datum.number, self._reason, line.text[:MAX_SAMPLE]))

    def _continue_bare(self, line: Line) -> None:
        """JSON outside of `data:`, in one line or over several."""
        text = line.text.strip(_BLANK)
        outermost = not self._bare or _indent(line.text) == _indent(self._bare[0].text)
        if self._bare and outermost and text[:1] == b"{" and self._emit_bare([line], line.text):
            return  # what was open is broken: this is a line of NDJSON
        if not self._bare:
            self._bare_number = self._line_number
        self._bare.append(line)
        self._bare_size += line.size
        if outermost and (len(self._bare) == 1 or text[:1] in _CLOSING):
            self._bare_tries += 1
            if self._emit_bare(self._bare, b"\n".join([each.text for each in self._bare])):
                return
        may_go_on = text[-1:] in _MAY_GO_ON if len(self._bare) == 1 else self._bare_size <= MAX_BARE
        if not may_go_on or self._bare_tries > _MAX_BARE_TRIES:
            self._give_up_bare()

    def _emit_bare(self, lines: Sequence[Line], text: bytes, field: str | None = None) -> bool:
        """Emit the JSON that `lines` hold, the last lines that came; False if they hold none."""
        try:
            value = self._decode(text, None)
        except ValueError as why:
            self._reason = str(why)
            return False
        if lines is self._bare:
            self._forget_bare()
        self._give_up_bare()
        self._interrupt()
        first, size = lines[0], sum([line.size for line in lines])
        number, sample = self._line_number - len(lines) + 1, first.text[:MAX_SAMPLE]
        self._emit(Bare(value, first.offset, size, number, sample, lines[-1].received_at, field))
        return True

    def _give_up_bare(self) -> None:
        bare = self._bare
        self._forget_bare()
        reason = self._reason if len(bare) == 1 else "unfinished_json"
        for line in bare:
            self._extend_stray(line, self._bare_number, reason)

    def _forget_bare(self) -> None:
        self._bare, self._bare_size, self._bare_tries = [], 0, 0

    def _extend_stray(self, line: Line, number: int, reason: str) -> None:
        """Neighbouring lines that are nothing we know make one reject."""
        stray, self._stray = self._stray, None
        if stray and stray.reason == reason and stray.offset + stray.size == line.offset:
            sample = stray.sample
            if len(sample) < MAX_SAMPLE:
                sample = (sample + b"\n" + line.text)[:MAX_SAMPLE]
            self._stray = Reject(stray.offset, stray.size + line.size, stray.line, reason, sample)
            return
        if stray:
            self._frames.append(stray)
        self._stray = Reject(line.offset, line.size, number, reason, line.text[:MAX_SAMPLE])

    def _emit_stray(self) -> None:
        if self._stray:
            self._frames.append(self._stray)
            self._stray = None

    def _emit(self, frame: Frame) -> None:
        self._emit_stray()
        self._frames.append(frame)


def _indent(text: bytes) -> int:
    return len(text) - len(text.lstrip(_BLANK))
