"""Logs, line by line: stamped lines, JSON lines that wrap events, events inside of application logs.

These combine (a container runtime stamps what a logger has wrapped), so a line is taken apart in up to
three steps, each recognised by evidence over the first lines: the prefix, the envelope, the lead. Lines
keep their place: offset and size are those of the physical lines they came from. A line that gives nothing
is a gap of reason `log_line`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from ssetl import times
from ssetl.captures import envelopes, leads, shapes, stamps
from ssetl.captures.container import Exchanges, Reader, blocks
from ssetl.captures.exchange import Exchange, Gap, Piece
from ssetl.lines import MAX_SAMPLE, Line, Splitter

if TYPE_CHECKING:
    from ssetl.captures.prefixed import Run

LOG: Final = "log"
"""Name of the container."""

MAX_WRITERS: Final = 1024
"""Writers whose lines may be open at once; beyond it the oldest line ends where it is."""

FEW: Final = 16
"""Lines that may be enough to tell the format."""

AT_ONCE: Final = 64 << 10
"""Bytes of a read in which prefixes are taken off many lines at once: in fewer, one by one is as fast."""

_LINE_ENDS: Final = (b"\n", b"\r")
_TERMINATOR: Final = b"[DONE]"


class Format(msgspec.Struct, frozen=True):
    """How the lines of a log are taken apart.

    Args:
        ended: whether texts in envelopes carry their own line ends, so that one without goes on in the
            next envelope.
        bare: whether what comes out is JSON and no event stream.
        clock: `arrival`, or `arrival_read` if the stamps are whole seconds, which many events share.
    """

    prefix: stamps.Prefix | None
    envelope: envelopes.Envelope | None
    lead: leads.Lead | None
    ended: bool = False
    bare: bool = False
    clock: str = "arrival"

    @property
    def stands_still(self) -> bool:
        """Whether it has stamps, but they give no times because all are the same."""
        return not all(each.timed for each in (self.prefix, self.envelope) if each is not None)

    @property
    def only_step(self) -> stamps.Prefix | envelopes.Envelope | None:
        """What lines are prefixed with or wrapped in, if nothing else is done to them."""
        if self.lead or (self.prefix and self.envelope):
            return None
        return self.prefix or self.envelope


def recognise(lines: Sequence[bytes]) -> Format | None:
    """The format of a log, or None if it is none.

    Args:
        lines: the first lines of the file, whole ones only. If a few of them leave no doubt, the others are
            not asked: small logs are many.
    """
    few = lines[:FEW]
    form = _recognise(few)
    return form if form and _leave_no_doubt(few, form) else _recognise(lines)


def _leave_no_doubt(lines: Sequence[bytes], form: Format) -> bool:
    """Whether all lines have one step and moving times, and most hold an event, or some of its lines."""
    step = form.only_step
    if step is None or form.stands_still or form.clock != "arrival":
        return False
    found = [_text_of(line, step) for line in lines if line.strip()]
    texts = [text for text in found if text is not None]
    filled = [text for text in texts if text.strip()]
    telling = sum(shapes.is_sse(text) or shapes.event_in(text) is not None for text in filled)
    are_alike = isinstance(step, stamps.Prefix) or len({text.endswith(_LINE_ENDS) for text in texts}) == 1
    return telling * 2 > len(filled) and are_alike and len(texts) == len(found) >= FEW // 2


def _text_of(line: bytes, step: stamps.Prefix | envelopes.Envelope) -> bytes | None:
    """What a line holds behind a prefix, or in an envelope with a time."""
    if isinstance(step, stamps.Prefix):
        stamped = step.split(line)
        return stamped.text if stamped else None
    payload = step.unwrap(line)
    return None if payload is None or payload.at is None else payload.text


def _recognise(lines: Sequence[bytes]) -> Format | None:
    prefix = stamps.recognise(lines)
    stamped = [each for each in map(prefix.split, lines) if each] if prefix else []
    texts = [each.text for each in stamped] if prefix else list(lines)
    instants = [each.at for each in stamped]
    envelope = envelopes.recognise(texts)
    ended = False
    if envelope:
        wrapped = [payload for line in texts if (payload := envelope.unwrap(line)) is not None]
        instants = [payload.at for payload in wrapped] if envelope.time else instants
        ended = any(payload.text.endswith(_LINE_ENDS) for payload in wrapped)
        texts = [line for payload in wrapped for line in payload.text.splitlines()]
    direct = any(text.startswith(b"data:") or shapes.event_in(text) for text in texts)
    lead = None if direct else leads.recognise(texts)
    if prefix is None and envelope is None and lead is None:
        return None
    payloads = texts if lead is None else [text for line in texts if (text := leads.extract(lead, line))]
    is_json = any(text.startswith(b"{") if envelope else shapes.event_in(text) for text in payloads)
    bare = is_json and not any(map(shapes.is_sse, payloads))
    clock = "arrival_read" if times.are_whole_seconds(instants) else "arrival"
    return Format(prefix, envelope, lead, ended, bare, clock)


def exchange(form: Format, pieces: Iterable[Piece]) -> Exchange:
    """The one exchange of a log, in which many streams may interleave."""
    return Exchange(pieces, single=False, ndjson=form.bare, clock=form.clock)


def read(reader: Reader, form: Format) -> Exchanges:
    """One exchange: what the log's lines hold."""
    pieces: Iterable[Piece]
    if form.only_step:
        pieces = taken_apart_at_once(reader, form.only_step, ended=form.ended)
    elif form.prefix:
        pieces = without_prefix(_physical(reader), form.prefix)
    else:
        pieces = _physical(reader)
    if form.envelope and not form.only_step:
        pieces = unwrapped(pieces, form.envelope, ended=form.ended)
    if form.lead:
        pieces = _without_lead(pieces, form.lead)
    yield exchange(form, pieces)


def _physical(reader: Reader) -> Iterator[Line]:
    splitter = Splitter()
    for block in blocks(reader):
        yield from splitter.feed(block)
    yield from splitter.close()


def taken_apart_at_once(
    reader: Reader, step: stamps.Prefix | envelopes.Envelope, *, ended: bool = False
) -> Iterator[Piece]:
    """As `without_prefix` or `unwrapped`, many lines at once where each ends what it holds."""
    joiner = _Joiner()

    def one(line: Line, number: int) -> Iterator[Piece]:
        if isinstance(step, stamps.Prefix):
            return _stripped(line, step, joiner)
        return _opened(line, number, step, joiner, ended=ended)

    return _at_once(reader, lambda text, offset: runs(text, offset, step, ended=ended), one, joiner)


def runs(
    text: bytes, offset: int, step: stamps.Prefix | envelopes.Envelope, *, ended: bool
) -> Iterator["Run"]:
    """What whole lines hold, as far as that can be told of many at once.

    Args:
        text: the lines, each with its LF and without CR.
        offset: where they begin in the file.
        step: what they are prefixed with or wrapped in.
        ended: as of `Format`.
    """
    from ssetl.captures import enveloped, prefixed  # noqa: PLC0415 - they load numpy, which few others need

    if isinstance(step, stamps.Prefix):
        return prefixed.without_prefix(text, offset, step)
    return enveloped.without_envelope(text, offset, step, ended=ended)


def _at_once(
    reader: Reader,
    many: Callable[[bytes, int], Iterator["Run"]],
    one: Callable[[Line, int], Iterator[Piece]],
    joiner: "_Joiner",
) -> Iterator[Piece]:
    """What the lines of a log hold, by `many` where it tells and no line is open, else by `one`."""
    splitter = Splitter()
    offset = number = 0

    def singly(text: bytes) -> Iterator[Piece]:
        nonlocal number
        for line in splitter.feed(text):
            number += 1
            yield from one(line, number)

    for block in blocks(reader):
        start = 0 if splitter.is_idle else block.find(b"\n") + 1
        end = block.rfind(b"\n") + 1
        yield from singly(block[:start])
        text = block[start:end]
        if len(text) >= AT_ONCE and b"\r" not in text:
            for run in many(text, offset + start):
                if run.lines and joiner.is_idle:
                    splitter.skip(run.end - run.start)
                    number += text.count(b"\n", run.start, run.end)
                    yield run.lines
                else:
                    yield from singly(text[run.start : run.end])
            start = end
        yield from singly(block[start:])
        offset += len(block)
    for line in splitter.close():
        yield from one(line, number + 1)
    yield from joiner.end()


def without_prefix(lines: Iterable[Line], prefix: stamps.Prefix) -> Iterator[Piece]:
    """Lines without their prefix; those that a container runtime cut are joined again."""
    joiner = _Joiner()
    for line in lines:
        yield from _stripped(line, prefix, joiner)
    yield from joiner.end()


def _stripped(line: Line, prefix: stamps.Prefix, joiner: "_Joiner") -> Iterator[Piece]:
    stamped = None if line.overlong else prefix.split(line.text)
    if stamped is None:
        return joiner.other(line)
    ends = not stamped.partial
    return joiner.part(line, stamped.text, stamped.at, ends=ends, source=stamped.source)


def unwrapped(pieces: Iterable[Piece], envelope: envelopes.Envelope, *, ended: bool) -> Iterator[Piece]:
    """What envelopes hold; lines that are none are log lines."""
    joiner = _Joiner()
    for number, piece in enumerate(pieces, 1):
        yield from _opened(piece, number, envelope, joiner, ended=ended)
    yield from joiner.end()


def _opened(
    piece: Piece, number: int, envelope: envelopes.Envelope, joiner: "_Joiner", *, ended: bool
) -> Iterator[Piece]:
    if not isinstance(piece, Line) or piece.overlong:
        return joiner.other(piece)
    payload = envelope.unwrap(piece.text)
    if payload is None:
        return joiner.other(_log_line(piece, number))
    at = piece.received_at if payload.at is None else payload.at
    text = b"data: " + payload.text if payload.text == _TERMINATOR else payload.text
    ends = payload.is_object or not ended
    return joiner.part(piece, text, at, ends=ends and not text.endswith(b"\n"))


def _without_lead(pieces: Iterable[Piece], lead: leads.Lead) -> Iterator[Piece]:
    """What stands behind the lead; lines without it are log lines."""
    joiner = _Joiner()
    number = 0
    for piece in pieces:
        number += 1
        if not isinstance(piece, Line) or piece.overlong or not piece.text:
            yield from joiner.other(piece)
            continue
        text = leads.extract(lead, piece.text)
        if text is None:
            yield from joiner.other(_log_line(piece, number))
        else:
            yield from joiner.part(piece, text, piece.received_at, ends=not text.endswith(b"\n"))
    yield from joiner.end()


def _log_line(line: Line, number: int) -> Gap:
    if not line.text:
        return Gap(line.offset, line.size)
    return Gap(line.offset, line.size, "log_line", line.text[:MAX_SAMPLE], number)


class _Joiner:
    """Puts lines together that a log has cut, and cuts those that it has put into one.

    A line's place is that of the lines it came from; of several that came from one, each but the last gets
    one byte of it, so that no byte is counted twice.
    """

    def __init__(self) -> None:
        self._open: dict[bytes, Splitter] = {}  # by writer
        self._held: Gap | None = None  # bytes whose line has not ended yet, `sample` being their writer
        self._after = 0  # where those that were held before end

    @property
    def is_idle(self) -> bool:
        """Whether no line is open."""
        return not self._open and not self._held

    def part(
        self, line: Line, text: bytes, at: int | None, *, ends: bool, source: bytes = b""
    ) -> Iterator[Piece]:
        """`line` holds `text`, which ends a line if `ends`, or else goes on with the writer's next."""
        if ends and source not in self._open and b"\n" not in text:
            yield from self.close()
            yield Line(text, line.offset, line.size, at)
            return
        splitter = self._open.setdefault(source, Splitter())
        if self._held and self._held.sample != source:
            yield from self.close()
        start, size = (self._held.offset, self._held.size) if self._held else (line.offset, 0)
        size += line.size
        found = splitter.feed(text + b"\n" if ends else text, at)
        self._held = None if found else Gap(start, size, sample=source)
        for position, each in enumerate(found):
            share = size if position == len(found) - 1 else 1
            yield Line(each.text, start, share, at, each.overlong)
            start, size = start + share, size - share
        if ends or text.endswith(b"\n"):
            del self._open[source]
        elif len(self._open) > MAX_WRITERS:
            yield from self._cut(next(iter(self._open)))

    def other(self, piece: Piece) -> Iterator[Piece]:
        """`piece` stands between."""
        yield from self.close()
        yield piece

    def close(self) -> Iterator[Piece]:
        """What is held belongs to no line that has ended yet: its bytes count as blank."""
        if self._held:
            yield Gap(self._held.offset, self._held.size)
            self._after = self._held.offset + self._held.size
            self._held = None

    def end(self) -> Iterator[Piece]:
        """The log has ended, and with it each line that had not."""
        if self._held:
            yield from self._cut(self._held.sample)
        for source in list(self._open):
            yield from self._cut(source)

    def _cut(self, source: bytes) -> Iterator[Piece]:
        """The line of a writer ends here; its bytes, unless they are held, have been counted as blank."""
        place = self._held if self._held and self._held.sample == source else Gap(self._after, 0)
        if place is self._held:
            self._held = None
            self._after = place.offset + place.size
        for line in self._open.pop(source).close():
            yield Line(line.text, place.offset, place.size, line.received_at, line.overlong)
