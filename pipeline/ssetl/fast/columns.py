"""The rows of a block as columns, none of which is made row by row.

What the events of a match have in common is told once for all of them, and what they have in common within
a stream once for each of its different rows; only what differs from event to event is there for each.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from ssetl import kernels, tables
from ssetl.apis.row import Row, Usage
from ssetl.credentials import SUSPICIOUS_PIECE, UNUSUAL
from ssetl.fast import uniform
from ssetl.fast.block import Bits, Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.counted import Counted
from ssetl.fast.gathered import gathered
from ssetl.fast.layout import Match
from ssetl.kernels import Array
from ssetl.privacy import SCREENED
from ssetl.streams import Placed
from ssetl.times import UNKNOWN

_USAGE: Final = frozenset(Usage.__struct_fields__)
_OF_ROW: Final = frozenset(Row.__struct_fields__)

_EXTRA: Final = tables.CHUNKS.get_field_index("extra")
_SCREENED: Final = tables.CHUNKS.set(_EXTRA, tables.CHUNKS.field(_EXTRA).with_metadata(SCREENED))

Numbers = np.ndarray[tuple[int], np.dtype[np.signedinteger]]


def chunks(
    bulk: Bulk, counted: Counted, placed: Sequence[Placed], units: Sequence[int], capture_id: str
) -> pa.RecordBatch:
    """Rows of `chunks` for the events of a block, in the order in which they came.

    Args:
        bulk: the events that matched.
        counted: those of them that were counted, and where.
        placed: all others.
        units: the unit at which each of those was placed.
        capture_id: id of the capture.
    """
    return _Columns(bulk, counted, placed, units, capture_id).batch()


class _Columns:
    """The columns of a block.

    Each row has a source: those of `placed`, the single ones, are their own; all others have their match
    (`of_match`) or, where the rows of a match differ in a column, their row of it (`of_row`).
    """

    def __init__(
        self, bulk: Bulk, counted: Counted, placed: Sequence[Placed], units: Sequence[int], capture_id: str
    ) -> None:
        self._bulk = bulk
        self._counted = counted
        self._placed = placed
        self._capture_id = capture_id
        self._single = tables.chunk_columns([(capture_id, placed)])
        self._lengths = np.array([len(event.rows) for event in placed], np.int64)
        singles = np.repeat(np.array(units, np.int64), self._lengths)
        self._count = len(singles) + len(counted.units)
        # Both are ascending, and no unit is in both.
        self._at_single = np.arange(len(singles)) + np.searchsorted(counted.units, singles)
        self._at_counted = np.arange(len(counted.units)) + np.searchsorted(singles, counted.units)
        self._singles = len(singles)
        self._of_match = self._by_source(bulk.match)
        self._spots: dict[int, tuple[Places, Places]] = {}
        self._zeros = uniform.zeros(self._count)
        self._is_screened = False
        self._validity: dict[tuple[bytes, tuple[int, ...]], Bits] = {}

    @cached_property
    def _of_row(self) -> Numbers:
        return self._by_source(self._bulk.row)

    def batch(self) -> pa.RecordBatch:
        """All of them."""
        names = {stream_id: code for code, stream_id in enumerate(self._counted.stream_ids)}
        streams = [names.setdefault(event.stream_id, len(names)) for event in self._placed]
        indexes = [event.event_index for event in self._placed]
        offsets = [event.offset for event in self._placed]
        told = {
            "stream_id": _dictionary(self._merged(streams, self._counted.stream), names),
            "event_index": self._merged(indexes, self._counted.index),
            "byte_offset": self._merged(offsets, self._bulk.offsets(self._counted.units)),
        }
        if (comments := self._bulk.block.comments) is not None:
            of_placed = [event.comments_before for event in self._placed]
            told["comments_before"] = self._merged(of_placed, comments[self._counted.units])
        told |= {name: self._timed(tables.CHUNKS.field(name)) for name in self._counted.times}
        arrays = [told[field.name] if field.name in told else self._column(field) for field in tables.CHUNKS]
        return pa.RecordBatch.from_arrays(arrays, schema=_SCREENED if self._is_screened else tables.CHUNKS)

    def _merged(self, of_placed: Sequence[int], of_counted: Numbers) -> Array:
        """A number for each event of `placed`, and one for each of those that were counted."""
        merged = np.empty(self._count, of_counted.dtype)
        merged[self._at_single] = np.repeat(np.array(of_placed, of_counted.dtype), self._lengths)
        merged[self._at_counted] = of_counted
        return kernels.numbers(merged)

    def _timed(self, field: "pa.Field[pa.DataType]") -> Array:
        """A column of times that may be unknown."""
        values = np.empty(self._count, np.int64)
        singles = self._single.get(field.name) or [None] * self._singles
        values[self._at_single] = [UNKNOWN if value is None else value for value in singles]
        values[self._at_counted] = self._counted.times[field.name]
        return kernels.array(field.type, self._count, values, valid=kernels.bits(values != UNKNOWN))

    def _by_source(self, of_unit: Numbers) -> Numbers:
        sources = np.empty(self._count, np.int32)
        sources[self._at_single] = np.arange(self._singles)
        sources[self._at_counted] = of_unit[self._counted.units] + self._singles
        return sources

    def _column(self, field: "pa.Field[pa.DataType]") -> Array:
        matches = self._bulk.matches
        owner = _owner(field.name)
        tellers = [n for n, match in enumerate(matches) if field.name in match.columns]
        by_row = any(owner in match.rows.told for match in matches)
        values = self._single.get(field.name) or [None] * self._singles
        for n, match in enumerate(matches):
            if n in tellers:
                values += [None] * (len(match.rows) if by_row else 1)
            else:
                values += _values(match, field.name, owner, self._capture_id, by_row=by_row)
        if not tellers and values.count(None) == len(values):
            return uniform.column(field.type, self._count, None)
        sources = _Sources(values, self._of_row if by_row else self._of_match, tellers)
        if pa.types.is_dictionary(field.type):
            return self._repeated(sources)
        if pa.types.is_primitive(field.type):
            return self._numbers(sources, field)
        return self._texts(sources, field)

    def _valid(self, sources: "_Sources") -> Bits:
        """Which rows of a column are not null; many columns are null in the same rows."""
        if None not in sources.values:
            return None
        known = np.array([value is not None for value in sources.values])
        key = known.tobytes(), tuple(sources.tellers)
        if key not in self._validity:
            valid = known[sources.of_row]
            for n in sources.tellers:
                valid[self._spot(n)[0]] = True
            self._validity[key] = kernels.bits(valid)
        return self._validity[key]

    def _repeated(self, sources: "_Sources") -> Array:
        """A dictionary of texts."""
        names: dict[str, int] = {}
        codes = [0 if each is None else names.setdefault(each, len(names)) for each in sources.values]
        found = np.array(codes, np.int32)[sources.of_row] if len(names) > 1 else self._zeros
        return _dictionary(kernels.array(pa.int32(), self._count, found, valid=self._valid(sources)), names)

    def _numbers(self, sources: "_Sources", field: "pa.Field[pa.DataType]") -> Array:
        """A column of numbers or times."""
        kind = np.int32 if field.type.bit_width == 32 else np.int64
        known = np.array([value or 0 for value in sources.values], kind)
        if known.any():
            numbers = known[sources.of_row]
        else:
            numbers = np.zeros(self._count, kind) if sources.tellers else self._zeros
        for n in sources.tellers:
            at, places = self._spot(n)
            numbers[at] = self._bulk.matches[n].numbers[field.name][places]
        return kernels.array(field.type, self._count, numbers, valid=self._valid(sources))

    def _texts(self, sources: "_Sources", field: "pa.Field[pa.DataType]") -> Array:
        """A column of texts or of lists."""
        is_text = pa.types.is_string(field.type)
        arrays = [pa.array(sources.values if is_text else tables.calls(sources.values), field.type)]
        if field.name == "extra":
            told = [piece for n in sources.tellers for piece in self._bulk.matches[n].pieces]
            # The end of a stream may tell its whole text several times.
            pieces = kernels.unique(pa.chunked_array([kernels.whole(arrays[0]), *told]))
            unusual = kernels.where(pieces, kernels.matching(pieces, UNUSUAL))
            self._is_screened = not kernels.matches(unusual, SUSPICIOUS_PIECE)
        places = sources.of_row.copy()
        filled = np.array([bool(value) for value in sources.values])[sources.of_row]
        for n in sources.tellers:
            at, of_match = self._spot(n)
            filled[at] = True
            places[at] = of_match + sum(len(array) + 1 for array in arrays)
            arrays.append(self._bulk.matches[n].columns[field.name])
        return gathered(arrays, places, filled, self._valid(sources))

    def _spot(self, n: int) -> tuple[Places, Places]:
        """The rows that are of a match, and which of its units they are."""
        if n not in self._spots:
            at = np.flatnonzero(self._of_match == self._singles + n)
            units = self._bulk.matches[n].units
            places = np.arange(len(units))
            if len(at) < len(units):
                counted = self._counted.units
                places = self._bulk.place[counted[self._bulk.match[counted] == n]]
            self._spots[n] = at, places
        return self._spots[n]


def _dictionary(places: Array, texts: Iterable[str]) -> Array:
    return pa.DictionaryArray.from_arrays(places, pa.array(list(texts), pa.string()), safe=False)


class _Sources(msgspec.Struct, frozen=True):
    """Where the values of a column come from.

    Args:
        values: those of the sources.
        of_row: the source of each row.
        tellers: the matches that tell it themselves, for each event.
    """

    values: list[Any]
    of_row: Numbers
    tellers: list[int]


def _owner(name: str) -> str:
    """The field of a `Row` that a column comes from."""
    return "usage" if name in _USAGE else name


def _values(match: Match, name: str, owner: str, capture_id: str, *, by_row: bool) -> list[Any]:
    """What a column is in the events of a match, once or for each of its rows."""
    if owner in match.rows.told:
        values = match.rows.told[owner]
        return [each and getattr(each, name) for each in values] if owner != name else values
    if owner in _OF_ROW:
        value = getattr(match.rows.base, owner)
        value = value and getattr(value, name) if owner != name else value
    elif name == "capture_id":
        value = capture_id
    elif name == "event_type":
        value = match.template.reading.type
    elif name == "api":
        value = match.template.reading.api.name
    else:
        value = 0 if name in ("choice_position", "comments_before") else None
    return [value] * (len(match.rows) if by_row else 1)
