"""A template whose fixed values have known lengths, and all units of a block that are of it.

Between its elastic holes (texts and numbers of any length) lie segments of constant length. They are
compared as a whole and by their bytes, so that only each *different* segment is looked into, of which there
are a few per stream; what the elastic holes hold is cut out and checked in all units at once.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from ssetl import kernels, schema
from ssetl.apis.row import Row, ToolCall, Usage
from ssetl.fast.block import Block, Codes, Mask, Places, Texts
from ssetl.fast.extra import ranges_of_extra
from ssetl.fast.instants import CLOCKS, instants_at
from ssetl.fast.template import Column, Hole, Rows, Template, Values
from ssetl.fast.texts import canonical, decoded, unquoted
from ssetl.kernels import Array

_USAGE: Final = frozenset(Usage.__struct_fields__)
_CREATED: Final = "created_at"
_EXTRA: Final = -1  # its number among the holes: it may hold some of them
_TAIL: Final = 8  # bytes
_BLANK, _QUOTE, _ZERO, _BACKSLASH, _BRACE = 32, 34, 48, 92, 123


class Match(msgspec.Struct, frozen=True, eq=False):
    """The units of a block that are of a template.

    Args:
        template: that template.
        units: their numbers, ascending.
        rows: the different rows that they have, with stand-ins for what `columns` tell.
        codes: which row each unit has.
        columns: the columns of `chunks` that elastic holes come out in, one element per unit.
        numbers: those of them that are numbers.
        pieces: what `extra` is made of in all units, if `columns` tell it, cut at quotes and numbers only;
            what is the same in several units may be there once.
    """

    template: Template
    units: Places
    rows: Rows
    codes: Codes
    columns: dict[str, Array]
    numbers: dict[str, Places]
    pieces: list[Array]

    @property
    def is_whole(self) -> bool:
        """Whether `row` tells all that there is."""
        return _USAGE.issuperset(self.columns)

    def values(self, places: Codes, owner: str, field: str) -> list[Any]:
        """What a field of the rows of some units holds, or of the usage there; not a text that differs."""
        if field in self.numbers:
            return list(self.numbers[field][places].tolist())
        if owner == "row" and field in self.rows.told:
            told = self.rows.told[field]
            return [told[code] for code in self.codes[places].tolist()]
        rows = [self.rows.row(code) for code in self.codes[places].tolist()]
        return [getattr(row if owner == "row" else row.usage, field) for row in rows]

    def row(self, n: int) -> Row:
        """The row of the n-th unit, except for its texts."""
        row = self.rows.row(self.codes.item(n))
        if _CREATED in self.numbers:
            row = msgspec.structs.replace(row, created_at=self.numbers[_CREATED].item(n))
        told = {name: self.numbers[name].item(n) for name in _USAGE.intersection(self.numbers)}
        if not told:
            return row
        return msgspec.structs.replace(row, usage=msgspec.structs.replace(row.usage or Usage(), **told))


class Layout:
    """A template whose fixed values are as long as they are in one event of it.

    Args:
        template: that template.
        values: what its holes hold in that event.
    """

    def __init__(self, template: Template, values: Values) -> None:
        self.template = template
        self._widths = [
            len(value) for hole, value in zip(template.holes, values, strict=True) if not hole.is_elastic
        ]
        self._elastic = [n for n, hole in enumerate(template.holes) if hole.is_elastic]
        firsts = [0, *(n + 1 for n in self._elastic)]
        ends = [*(n + 1 for n in self._elastic), len(template.texts)]
        self._segments = [_Segment(template, values, *borders) for borders in zip(firsts, ends, strict=True)]
        of_extra = [n for n in self._elastic if template.extra is not None and n in template.extra[1]]
        self._extra_is_told = bool(of_extra)
        # In `extra` stands what our encoder makes of them: mostly what they are.
        self._literal = [n for n in of_extra if template.holes[n].kind == "text"]
        self._copies = ranges_of_extra(template, values) if self._extra_is_told else None

    def is_like(self, other: "Layout") -> bool:
        """Whether the other one matches the same units."""
        return self.template is other.template and self._widths == other._widths

    def match(self, block: Block, units: Places) -> Match | None:
        """Those of the units that are of this layout; None if none is."""
        search = _Search(block, units)
        search.pass_segment(self._segments[0])
        for n, segment in zip(self._elastic, self._segments[1:], strict=True):
            is_last = segment is self._segments[-1]
            search.pass_hole(n, self.template.holes[n], segment.width if is_last else None)
            search.pass_segment(segment)
        search.keep(search.at == search.ends)
        pieces: list[Array] = []
        for n in self._literal:
            texts_there = search.block.texts(*search.spans[n])
            pieces.append(kernels.whole(texts_there))
            search.keep(canonical(texts_there))
            search.keep_apart(n, self.template.holes[n].link)
        if not search.units.size:
            return None
        codes, values, count = search.combinations()
        rows = self.template.rows(values, count)
        texts = self._texts(search)
        if self._extra_is_told:
            texts[_EXTRA] = self._extra(search, codes, values)
            pieces.append(pa.array([self.template.around_extra(values)], pa.binary()))
        good = np.array(rows.valid, np.bool_)[codes]
        for text in texts.values():
            good &= _is_valid(text)
        if not good.all():
            search.keep(good)
            codes = codes[good]
            kept = kernels.numbers(np.flatnonzero(good))
            texts = {n: kernels.take(text, kept) for n, text in texts.items()}
        if not len(codes):
            return None
        columns = self._columns(search, texts, rows, codes)
        return Match(self.template, search.units, rows, codes, columns, self._numbers(search), pieces)

    def _texts(self, search: "_Search") -> dict[int, Array]:
        """What the text holes of columns hold, by number of the hole; null where it is not valid."""
        return {
            n: unquoted(search.block.texts(*span))
            for n, span in search.spans.items()
            if n not in search.numbers and self.template.holes[n].has_column
        }

    def _columns(
        self, search: "_Search", texts: dict[int, Array], rows: Rows, codes: Codes
    ) -> dict[str, Array]:
        columns = {} if _EXTRA not in texts else {"extra": texts[_EXTRA]}
        for n in self._elastic:
            hole = self.template.holes[n]
            if hole.owner == "call":
                columns["tool_calls"] = _calls(rows, codes, hole.field, texts[n])
            elif hole.has_column:
                columns[hole.field] = texts[n] if n in texts else kernels.numbers(search.numbers[n])
        return columns

    def _numbers(self, search: "_Search") -> dict[str, Places]:
        holes = self.template.holes
        return {holes[n].field: found for n, found in search.numbers.items() if holes[n].owner != "extra"}

    def _extra(self, search: "_Search", codes: Codes, values: Sequence[Column]) -> Array:
        """The column `extra`; null where it is not valid."""
        if self._copies is not None:
            places = [search.block.starts[search.units], *(search.spans[n][1] for n in self._elastic)]
            ranges = [
                (places[first] + start, places[last] + end) for (first, start), (last, end) in self._copies
            ]
            copied = search.block.joined(ranges)
            kernels.write(copied, _BRACE)
            return decoded(copied)
        around, order = self.template.extra or ([""], [])
        fixed = [n for n, hole in enumerate(self.template.holes) if not hole.is_elastic]
        pieces: list[Array] = [pa.scalar(around[0])]
        for n, text in zip(order, around[1:], strict=True):
            if n in search.spans:
                pieces.append(decoded(search.block.texts(*search.spans[n])))
            else:
                texts = [value.decode("utf-8", "replace") for value in values[fixed.index(n)]]
                each = pa.array(texts, pa.string())
                pieces.append(kernels.take(each, kernels.numbers(codes)))
            pieces.append(pa.scalar(text))
        return kernels.joined(pieces)


class _Segment:
    """Bytes of constant length, in which some values are not constant.

    Attributes:
        width: that length.
        text: the bytes, if none of them is in a hole.
        tail: the last bytes, as far as they are in no hole and can be looked for at little cost.
    """

    def __init__(self, template: Template, values: Values, first: int, end: int) -> None:
        texts, holes, fixed = (
            template.texts[first:end],
            template.holes[first : end - 1],
            values[first : end - 1],
        )
        self.width = sum(map(len, texts)) + sum(map(len, fixed))
        self.text = None if fixed else texts[0]
        self.tail = texts[-1][-_TAIL:]
        self._holes: list[slice] = []
        self._numbers: list[tuple[slice, int]] = []  # and the least first digit
        pattern = texts[0]
        is_hole = [False] * len(pattern)
        for hole, value, text in zip(holes, fixed, texts[1:], strict=True):
            self._holes.append(slice(len(pattern), len(pattern) + len(value)))
            if hole.kind in ("time", "index"):
                least = 2 if hole.kind == "index" and len(value) == 1 else 1
                self._numbers.append((self._holes[-1], least))
            pattern += value + text
            is_hole += [True] * len(value) + [False] * len(text)
        self._pattern, self._is_hole = np.frombuffer(pattern, np.uint8), np.array(is_hole)

    def fits(self, texts: Texts) -> Mask:
        """Which texts are such a segment."""
        is_plain = (texts >= _BLANK) & (texts != _QUOTE) & (texts != _BACKSLASH)
        fits: Mask = np.where(self._is_hole, is_plain, texts == self._pattern).all(axis=1)
        for number, least in self._numbers:
            digits = texts[:, number] - np.uint8(_ZERO)  # wraps: other bytes are large
            fits &= (digits <= 9).all(axis=1) & (digits[:, 0] >= least)
        return fits

    def values(self, texts: Texts) -> list[Column]:
        """What the holes hold in texts that fit, hole by hole."""
        inside = [np.ascontiguousarray(texts[:, hole]) for hole in self._holes]
        # numpy would leave out a zero byte at an end: there is none in texts that fit.
        return [each.view(f"S{each.shape[1]}").ravel().tolist() for each in inside]


class _Search:
    """Units of a block that have matched so far.

    Attributes:
        units: their numbers.
        at, ends: how far they have matched, and where they end.
        spans: starts and ends of what an elastic hole holds, by its number.
        numbers: the value, if it holds a number.
    """

    def __init__(self, block: Block, units: Places) -> None:
        self.block = block
        self.units = units
        self.at, self.ends = block.starts[units], block.ends[units]
        self.spans: dict[int, tuple[Places, Places]] = {}
        self.numbers: dict[int, Places] = {}
        self._segments: list[tuple[Codes, list[Column], int]] = []

    def keep(self, mask: Mask) -> None:
        """Leave the other units aside."""
        if mask.all():
            return
        self.units, self.at, self.ends = self.units[mask], self.at[mask], self.ends[mask]
        self.spans = {n: (starts[mask], ends[mask]) for n, (starts, ends) in self.spans.items()}
        self.numbers = {n: values[mask] for n, values in self.numbers.items()}
        self._segments = [(codes[mask], values, count) for codes, values, count in self._segments]

    def pass_segment(self, segment: _Segment) -> None:
        """Go behind a segment; what has another one there is left aside."""
        self.keep(self.at + segment.width <= self.ends)
        if self.units.size and segment.text is not None:
            self.keep(self.block.holds(self.at, segment.text))
        elif self.units.size:
            codes, texts = self.block.distinct(self.at, segment.width, segment.tail)
            fits = segment.fits(texts)
            if not fits.all():
                codes = np.append(np.where(fits, np.cumsum(fits) - 1, -1), -1)[codes]
                texts = texts[fits]
            self._segments.append((codes, segment.values(texts), len(texts)))
            self.keep(codes >= 0)
        self.at = self.at + segment.width

    def pass_hole(self, n: int, hole: Hole, behind: int | None) -> None:
        """Go behind an elastic hole; `behind` bytes are left then, if this is the last."""
        if hole.kind == "same":
            self._pass_same(n, hole.link)
            return
        starts, kind = self.at, hole.kind
        if kind == "number":
            self.numbers[n], self.at = self.block.numbers(starts)
        elif kind in CLOCKS:
            self.numbers[n], self.at = instants_at(self.block.data, starts, kind)
        else:
            self.at = self.block.quotes(starts) if behind is None else self.ends - behind
        self.spans[n] = starts, self.at
        self.keep(self.at >= starts + (kind != "blank"))
        if kind == "blank":
            self.keep(self.block.blank(*self.spans[n]))

    def _pass_same(self, n: int, link: int) -> None:
        first, end = self.spans[link]
        self.spans[n] = self.at, self.at + (end - first)
        self.at = self.spans[n][1]
        self.keep(self.at <= self.ends)
        if self.units.size:
            self.keep(self.block.are_equal(self.spans[n], self.spans[link]))

    def keep_apart(self, n: int, link: int) -> None:
        """Leave aside what holds the same in two holes, or may: `link` is the second one, if there is any.

        What the first one holds is as our encoder writes it.
        """
        if link < 0 or not self.units.size:
            return
        self.keep(canonical(self.block.texts(*self.spans[link])))
        if self.units.size:
            self.keep(~self.block.are_equal(self.spans[n], self.spans[link]))

    def combinations(self) -> tuple[Codes, list[Column], int]:
        """Which values of all fixed holes each unit has, these values hole by hole, and how many they are."""
        codes = np.zeros(len(self.units), np.int32)
        columns: list[Column] = []
        count = 1
        for more, values, size in self._segments:
            if count == 1:
                codes, columns, count = more, [each * size for each in columns] + values, size
                continue
            pairs, codes = np.unique(codes.astype(np.int64) * size + more, return_inverse=True)
            before, behind = (each.tolist() for each in np.divmod(pairs, size))
            columns = [[each[n] for n in before] for each in columns]
            columns += [[each[n] for n in behind] for each in values]
            count = len(pairs)
        return codes.astype(np.int32), columns, count


def _is_valid(array: Array) -> Mask:
    if not array.null_count:
        return np.ones(len(array), np.bool_)
    return np.array([text is not None for text in array.to_pylist()], np.bool_)


def _calls(rows: Rows, codes: Codes, field: str, texts: Array) -> Array:
    """The column `tool_calls` of events with one call each, in which one text differs from event to event."""
    calls = [
        (each or (ToolCall(),))[0] for each in rows.values("tool_calls")
    ]  # one that is not valid has none
    members = [
        texts
        if each.name == field
        else kernels.take(
            pa.array([getattr(call, each.name) for call in calls], each.type), kernels.numbers(codes)
        )
        for each in schema.TOOL_CALL
    ]
    column = pa.StructArray.from_arrays(members, fields=list(schema.TOOL_CALL))
    borders = kernels.numbers(np.arange(len(texts) + 1, dtype=np.int32))
    return pa.ListArray.from_arrays(borders, column)
