"""Whole streams at once: what becomes of a stream that nothing else comes between.

In most files streams lie behind each other, and most of them have one shape: events of the same templates
in the same order. What the ordinary code makes of a shape is learned once, from events with sentinels in
their holes: which columns of `streams` hold a value of which event, which of them grow with the events in
the middle of a run, and what all others are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from ssetl.apis.members import iso
from ssetl.apis.row import Row, Usage
from ssetl.captures.exchange import Exchange
from ssetl.fast.instants import INSTANTS
from ssetl.fast.template import Found, Hole, Template
from ssetl.interleaved import OpenStreams
from ssetl.sse import Terminator
from ssetl.streams import Capture, Flat
from ssetl.timeline import marks

MAX_RUNS: Final = 64
"""Runs of a shape; a stream of more is read event by event."""

MAX_SHAPES: Final = 256
"""Shapes that are learned per file."""

MAX_SAMPLES: Final = 25_000
"""Events from which they are learned: a shape of many runs takes many, and few streams have it."""

Run = tuple[Template, int]
"""Events of one template behind each other, and how many they are: 1, 2, or 3 for more."""

Shape = tuple[Run, ...]
"""The runs of a stream."""

_ID: Final = b"~life~"
_MAX_SENTINELS: Final = 100_000
_FIRST_TIME: Final = 10**10 - _MAX_SENTINELS
_FIRST_NUMBER: Final = 10**15 - _MAX_SENTINELS
_CAPTURE: Final = "00" * 16


class Told(msgspec.Struct, frozen=True):
    """A column of `streams` that holds a value of one event.

    Args:
        column: the column.
        run: number of the event's run.
        is_last: whether the event is the last of the run, or else the first.
        owner, field: where in its `Row` the value stands, as of `template.Hole`.
    """

    column: str
    run: int
    is_last: bool
    owner: str
    field: str


class Life(msgspec.Struct, frozen=True):
    """What a stream of some shape becomes.

    Args:
        row: its row in `streams`, if each run is as short as its shape allows.
        told: the columns that are told by an event.
        grows: by how much columns are more for each further event of a run, by number of the run.
        finish: the first run whose events leave it finished; all later ones do. None if that is not so.
        marks: of the events of each run, as of `timeline.marks`.
    """

    row: dict[str, Any]
    told: list[Told]
    grows: dict[int, dict[str, int]]
    finish: int | None
    marks: list[tuple[str, ...]]


class Lives:
    """The shapes of a file, or of many, and what they become; learned as they come, bounded in number."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._known: dict[tuple[Shape, bool, bool], Life | None] = {}
        self._samples = 0

    def of(self, shape: Shape, *, has_terminator: bool, is_last: bool = False) -> Life | None:
        """What streams of a shape become; None if that is not told by the values and the number of events.

        Without a terminator, the next stream must follow, or the file must end (`is_last`).
        """
        key = shape, has_terminator, is_last and not has_terminator
        if key not in self._known:
            samples = _count(shape)
            if len(self._known) >= MAX_SHAPES or self._samples + samples > MAX_SAMPLES:
                return None
            self._samples += samples
            self._known[key] = _learn(shape, has_terminator, is_last, self._exchange)
        return self._known[key]


class _Sample(msgspec.Struct, frozen=True):
    """One event of a shape, its values being nowhere else; `is_middle` if it stands for any number."""

    found: Found
    run: int
    is_last: bool
    is_middle: bool


def _count(shape: Shape) -> int:
    """How many events it takes to learn a shape: once all of them, and twice for each run of many."""
    return sum(count for _, count in shape) * (1 + 2 * sum(count > 2 for _, count in shape))


def _learn(shape: Shape, has_terminator: bool, is_last: bool, exchange: Exchange) -> Life | None:
    samples = list(_samples(shape))
    holes = sum(count * len(template.holes) for template, count in shape)
    if len(samples) < sum(count for _, count in shape) or holes > _MAX_SENTINELS:
        return None
    named = Counter(key for sample in samples for key in _named_calls(sample.found.row))
    if any(times > 1 for times in named.values()):
        return None  # whether two of them are one call depends on their ids

    def live(**times: int) -> dict[str, Any] | None:
        counts = {int(run): count for run, count in times.items()}
        lived = _lived(samples, counts, has_terminator, is_last, exchange)
        return lived and lived[0]

    lived = _lived(samples, {}, has_terminator, is_last, exchange)
    if lived is None:
        return None
    row, finished = lived
    places = {value: told for sample in samples for value, told in _values(sample)}
    if not all(_is_unmistaken(sample, places) for sample in samples):
        return None
    told = []
    for column, value in row.items():
        if _is_place(value, places):
            place = places[value]
            if place is None:
                return None
            told.append(msgspec.structs.replace(place, column=column))
        elif _shows(value):
            return None
    grows = {}
    for run in [sample.run for sample in samples if sample.is_middle]:
        once, twice = (_growth(row, live(**{str(run): times})) for times in (2, 3))
        if once is None or twice != {column: 2 * by for column, by in once.items()}:
            return None
        grows[run] = once
    ends = any(template.reading.ends for template, _ in shape)
    finish = None if ends else _finish([sample.run for sample in samples], finished)
    held = {sample.run: marks([sample.found.row]) for sample in samples}
    return Life(row, told, grows, finish, list(held.values()))


def _samples(shape: Shape) -> Iterator[_Sample]:
    holes = 0
    for run, (template, count) in enumerate(shape):
        for n in range(count):
            found = template.find(_with_sentinels(template, holes))
            if found is not None:
                yield _Sample(found, run, is_last=n > 0 and n == count - 1, is_middle=n == 1 and count > 2)
            holes += len(template.holes)


def _with_sentinels(template: Template, first: int) -> bytes:
    """The text of an event, each of its values there being nowhere else; the first one has number `first`."""
    values = []
    for n, hole in enumerate(template.holes, first):
        if hole.field == "response_id":
            values.append(_ID)
        elif hole.kind == "same":
            values.append(values[hole.link])
        elif hole.kind == "time":
            values.append(b"%d" % (_FIRST_TIME + n))
        elif hole.kind in INSTANTS:
            second = (iso((_FIRST_TIME + n) * 1_000_000) or "").encode()
            values.append(second.replace(b"Z", b".0000001Z") if hole.kind == "nanos" else second)
        elif hole.kind == "number":
            values.append(b"%d" % (_FIRST_NUMBER + n))
        elif hole.kind == "index":  # no column of `streams` tells it
            values.append(b"2")
        elif hole.kind == "blank":
            values.append(b" ")
        else:
            values.append(b"~%d~" % n)
    pieces = [piece for pair in zip(template.texts, values, strict=False) for piece in pair]
    return b"".join([*pieces, template.texts[-1]])


def _named_calls(row: Row) -> set[tuple[int | None, int | None]]:
    """Choice and index of each call of an event that carries an id: those of other calls are others."""
    return {(row.choice_index, call.index) for call in row.tool_calls or () if call.id}


def _lived(
    samples: Sequence[_Sample],
    times: Mapping[int, int],
    has_terminator: bool,
    is_last: bool,
    exchange: Exchange,
) -> tuple[dict[str, Any], list[bool]] | None:
    """The row of a stream of these events, by the ordinary code; None if they are not just one stream.

    And whether the stream had finished with each of the events.
    """
    capture = Capture(_CAPTURE)
    streams = OpenStreams(capture, exchange)
    finished = []
    for sample in samples:
        for _ in range(times.get(sample.run, 1) if sample.is_middle else 1):
            streams.take_flat(_untimed(sample.found))
            finished.append(streams.current is not None and streams.current.finished)
    if len({placed.stream_id for placed in capture.placed}) != 1:
        return None
    if has_terminator:
        streams.take(Terminator(0, 0))
        closes = streams.is_empty
    elif is_last:
        streams.close()
        closes = True
    else:  # what comes next begins another one
        closes = any(sample.found.template.reading.ends for sample in samples[-1:])
        streams.take_flat(_untimed(samples[0].found))
    return (capture.streams[0], finished) if closes and len(capture.streams) == 1 else None


def _untimed(found: Found) -> Flat:
    """An event of a server that has no clock: when the events of a stream came is told by itself."""
    flat = flat_of(found.template, [found.row])
    if not flat.api.stamped:
        return flat
    api = msgspec.structs.replace(flat.api, stamped=False)
    return msgspec.structs.replace(flat, api=api, known=api)


def _finish(runs: Sequence[int], finished: list[bool]) -> int | None:
    """The run with which a stream finishes for good, given for each event its run and whether it had."""
    if True not in finished:
        return None
    first = finished.index(True)
    return runs[first] if all(finished[first:]) else None


def flat_of(
    template: Template,
    rows: list[Any],
    offset: int = 0,
    size: int = 0,
    received_at: int | None = None,
    *,
    comments: int = 0,
    shares: bool = False,
) -> Flat:
    """An event of a template, of `size` bytes, that begins at `offset` of the body."""
    reading = template.reading
    return Flat(
        type=reading.type,
        offset=offset,
        size=size,
        end=offset + size,
        received_at=received_at,
        api=reading.api,
        known=reading.api,
        rows=rows,
        starts=reading.starts,
        ends=reading.ends,
        comments=comments,
        shares=shares,
    )


def _values(sample: _Sample) -> Iterator[tuple[object, Told | None]]:
    """The values of the holes of an event, and where they are; None if no column may tell them."""
    row = sample.found.row
    for hole in sample.found.template.holes:
        if not hole.has_column:
            continue
        is_known = _is_known(hole)
        owner = row if hole.owner == "row" else row.usage
        value = getattr(owner, hole.field) if is_known else None
        if hole.field == "response_id" and (sample.run > 0 or sample.is_middle or sample.is_last):
            continue  # all have the same
        yield (
            value,
            None
            if sample.is_middle or not is_known
            else Told("", sample.run, sample.is_last, hole.owner, hole.field),
        )


def _is_known(hole: Hole) -> bool:
    """Whether a column may tell what the hole holds."""
    return hole.owner in ("row", "usage") and hole.kind != "text"


def _is_unmistaken(sample: _Sample, places: Mapping[object, object]) -> bool:
    """Whether no value that all events of a template have happens to be a sentinel."""
    row = sample.found.row
    values = (*msgspec.structs.astuple(row), *msgspec.structs.astuple(row.usage or Usage()))
    return sum(_is_place(value, places) for value in values) == sum(
        _is_known(hole) for hole in sample.found.template.holes
    )


def _is_place(value: object, places: Mapping[object, object]) -> bool:
    return type(value) in (int, str) and value in places


def _shows(value: object) -> bool:
    """Whether a value that should be the same for all streams has to do with a hole."""
    return (type(value) is int and value >= _FIRST_TIME) or "~" in str(value)


def _growth(row: Mapping[str, Any], longer: Mapping[str, Any] | None) -> dict[str, int] | None:
    """By how much columns are more in another row; None if they differ in something else."""
    if longer is None:
        return None
    changed = {column: longer[column] for column, value in row.items() if longer[column] != value}
    if not all(type(value) is int and type(row[column]) is int for column, value in changed.items()):
        return None
    return {column: value - row[column] for column, value in changed.items()}
