"""From the sources that are there to the plans that cover them: what is new, and only that.

Each source gets one of these, and is read (for its digests) only if it is not the first:

- as it was when it was covered (inode, size, mtime): nothing to do, and if it was renamed, that is noted;
- all of its bytes are covered: if the file they were read from is gone or changed, this is where they
  are now (touched, renamed, rotated, compressed since), and only that is noted; else it is a copy;
- it begins with bytes that are covered: the rest is a new capture. If the last capture left a stream
  open, or was damaged, it is replaced: by its closed beginning, and by what follows that;
- it has the path of a covered source, begins like it and goes on differently: it has been rewritten or
  shortened, and what it no longer holds is replaced by what it holds now;
- what has been forgotten stays so: nothing of it is read again, it is never replaced, its copies are as it;
- anything else is a new capture. If its path was another file's (rotated, truncated, written anew), the
  rows of that one stay, as those of a file that vanished do.

What only adds is one plan, what replaces is another: only the latter must wait for all of its parts. What a
rewritten file holds now is in the latter: covered before it replaces, its former rows would stay for good.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final

import msgspec

from ssetl import ids
from ssetl.captures.compression import DEFAULT_LIMITS, Limits
from ssetl.captures.digests import Range, holds
from ssetl.captures.sources import Source
from ssetl.dataset import Dataset
from ssetl.lineage import Lineage
from ssetl.matching import Changing, Match, as_range, as_source, is_there, match, tail
from ssetl.plan import Part, Plan, PlannedCapture, Seen, instant, part_name
from ssetl.version import __version__

PART_BYTES: Final = 128 << 20
"""Decompressed bytes that a part takes in; a longer capture is a part of its own."""

PART_CAPTURES: Final = 2048
"""Captures that a part takes in: of many small ones there are parts enough for all processors."""

RACY_US: Final = 2_000_000
"""A file changed less than this before it was planned may change again and keep its mtime."""

Closed = Callable[[str, int, int], int]
"""(path, offset, length) -> bytes of that range of a plain source up to which it leaves no stream open."""


class Planned(msgspec.Struct, frozen=True):
    """What to do about the sources.

    Args:
        plans: to publish in this order; none if there is nothing to do.
        unchanged: how many sources hold nothing new.
        waiting: paths of sources that are left for later, changed too lately for `settle`.
        unfinished: paths of sources that continue captures which are planned and not whole yet: plan
            again when the pending parts are written.
        unreadable: paths of sources that cannot be read, and why.
    """

    plans: tuple[Plan, ...] = ()
    unchanged: int = 0
    waiting: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()


Where = Callable[[Callable[[], Planned]], Planned]
"""Calls a function that reads sources to make a plan, and gives the plan."""


def here(plan: Callable[[], Planned]) -> Planned:
    """Make the plan just here."""
    return plan()


def make(
    dataset: Dataset,
    sources: Iterable[Source],
    *,
    now_us: int,
    settle: float = 0.0,
    where: Where = here,
    closed: Closed | None = None,
    part_bytes: int = PART_BYTES,
    options: dict[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Planned:
    """Plan what the dataset does not cover yet; reads sources, and writes nothing.

    Args:
        dataset: as it is now; if publishing fails, open it again and call again.
        sources: what is there, as `sources.find` lists it.
        now_us: microseconds since 1970, the time of the plans.
        settle: seconds for which a source must have been left alone before its open end is taken.
        where: makes the plan if sources must be read for it.
        closed: tells how far a younger source can be taken; without it, and if it is compressed, such a
            source waits as a whole.
        part_bytes: see `PART_BYTES`; a part is also bounded by `PART_CAPTURES`.
        options: see `Part.options`.
        limits: how far compressed sources may inflate.
    """
    young_ns = now_us * 1000 - int(settle * 1e9) if settle else None
    lineage = Lineage(dataset)
    ordered = sorted(sources)

    def planned() -> Planned:
        planner = _Planner(dataset, lineage, limits, closed, young_ns)
        for source in ordered:
            planner.take(source)
        return planner.planned(now_us, part_bytes, options or {})

    return planned() if all(map(lineage.covers, ordered)) else where(planned)


def void(dataset: Dataset, part: str, *, now_us: int) -> Plan:
    """The plan that says: this part cannot be written, a source is no longer what was planned.

    What its sources hold now is found by the next `make`, as if the part had never been.
    """
    return Plan(dataset.number + 1, instant(now_us), __version__, voids=(part,))


def still_holds(capture: PlannedCapture, *, planned_us: int) -> bool:
    """Whether the source of a capture still has its bytes. True, too, if more has been added behind.

    A source with the planned inode, size and mtime is trusted, unless it was younger than `RACY_US` when
    it was planned (`planned_us`: the time of the plan); any other is read for its digest.
    """
    try:
        settled = capture.mtime_ns // 1000 < planned_us - RACY_US
        if settled and is_there(capture):
            return True
        return holds(capture.path, capture.offset, capture.bytes, capture.digest)
    except OSError:
        return False


class _Planner:
    """Collects what becomes of each source.

    A capture is dropped if it is replaced: by a longer one, or because its source was rewritten.
    """

    def __init__(
        self,
        dataset: Dataset,
        lineage: Lineage,
        limits: Limits,
        closed: Closed | None,
        young_ns: int | None,
    ) -> None:
        self._lineage = lineage
        self._number = dataset.number
        self._limits = limits
        self._closed_in = closed or (lambda _path, _offset, _length: 0)
        self._young_ns = young_ns
        self._unchanged = 0
        self._waiting: list[str] = []
        self._unfinished: list[str] = []
        self._unreadable: list[tuple[str, str]] = []
        self._seen: list[Seen] = []
        self._rewritten: list[Seen] = []
        self._added: list[PlannedCapture] = []
        self._closed: list[PlannedCapture] = []
        self._open: list[PlannedCapture] = []
        self._options: dict[str, dict[str, str]] = {}
        self._dropped: set[str] = set()
        self._former: dict[str, Source] = {}
        self._found: set[str] = set()

    def take(self, source: Source) -> None:
        """Decide about one source."""
        if by := self._lineage.covered_by(source):
            self._unchanged += 1
            line = self._lineage.line_to(by)
            self._found.update(capture.capture_id for capture in (*line, *self._lineage.originals(line)))
            if not self._lineage.covers(source):
                self._seen.append(Seen(by, **msgspec.structs.asdict(source)))
            return
        try:
            self._decide(source, match(self._lineage, source, self._limits))
        except Changing:
            self._waiting.append(source.path)
        except OSError as error:
            self._unreadable.append((source.path, (error.strerror or str(error)).lower()))

    def planned(self, now_us: int, part_bytes: int, options: dict[str, str]) -> Planned:
        """The plans for all that was decided."""
        self._drop_former()
        self._promote()
        # Open ends are parts of their own: they will be replaced again, and little else with them.
        groups = (self._added, self._closed, self._open)
        adding, closed, opened = (self._pack(group, part_bytes, options) for group in groups)
        replaced, kept = self._without_dropped()
        replacing = kept + closed + opened
        plans: list[Plan] = []
        for parts, replaces, seen in ((adding, (), self._seen), (replacing, replaced, self._rewritten)):
            if parts or replaces or seen:
                number = self._number + 1 + len(plans)
                named = (msgspec.structs.replace(p, name=part_name(number, n)) for n, p in enumerate(parts))
                plans.append(
                    Plan(
                        number,
                        instant(now_us),
                        __version__,
                        parts=tuple(named),
                        replaces=tuple(replaces),
                        seen=tuple(seen),
                    )
                )
        return Planned(
            tuple(plans),
            self._unchanged,
            tuple(self._waiting),
            tuple(self._unfinished),
            tuple(self._unreadable),
        )

    def _decide(self, source: Source, match: Match) -> None:
        self._found.update(capture.capture_id for capture in match.line)
        last = match.line[-1] if match.line else None
        if not self._are_settled(match.former):
            self._unfinished.append(source.path)
            return
        self._former.update((capture.capture_id, source) for capture in match.former)
        if match.rest is None:
            self._keep(source, match)
        elif last is None:
            self._append(source, match, match.rest)
        elif not self._are_settled([last]):
            self._unfinished.append(source.path)
        elif self._lineage.is_open(last):
            self._lengthen(source, match, last)
        else:
            self._append(source, match, match.rest)

    def _keep(self, source: Source, match: Match) -> None:
        """All is covered: a copy, if the file that was read is still there; else it is that file."""
        last = match.within or match.line[-1]
        copied = self._lineage.copy_at(source.path, last.capture_id)
        if match.within or copied or not is_there(last):
            self._unchanged += 1
            seen = self._rewritten if match.former else self._seen
            seen.append(Seen(last.capture_id, **msgspec.structs.asdict(source)))
        else:
            self._copy(source, match)

    def _append(self, source: Source, match: Match, rest: Range) -> None:
        """There is more behind captures that left nothing open, or nothing was covered yet."""
        length = rest.bytes
        if self._is_young(source):
            plain = match.compression == "none"
            closed = self._closed_in(source.path, rest.offset, length) if plain else 0
            if closed:
                until = msgspec.structs.replace(source, size=rest.offset + closed)
                [rest] = tail(until, [rest.offset], self._limits)
            if closed < length:
                self._waiting.append(source.path)
            if not closed:
                return
        after = None
        if match.line:
            last = match.line[-1]
            elsewhere = last.path != source.path and is_there(last)
            after = self._copy(source, match) if elsewhere else last.capture_id
        partial = rest.bytes < length
        self._add(match, self._capture(source, match, rest, after, partial=partial))

    def _lengthen(self, source: Source, match: Match, last: PlannedCapture) -> None:
        """There is more behind a capture that left a stream open, or was damaged: replace that."""
        # What else holds the shorter version holds nothing of its own any more.
        shorter = [last, *self._lineage.copies(last.capture_id)]
        if self._is_young(source):
            self._waiting.append(source.path)
            return
        if not self._are_settled(shorter):
            self._unfinished.append(source.path)
            return
        closed = last.offset + self._lineage.closed_bytes(last)
        *beginning, rest = tail(source, list(dict.fromkeys((last.offset, closed))), self._limits)
        self._dropped.update(capture.capture_id for capture in shorter)
        after = last.after
        for range_ in beginning:
            self._closed.append(self._capture(source, match, range_, after, partial=True))
            self._inherit(last, self._closed[-1])
            after = self._closed[-1].capture_id
        longer = self._capture(source, match, rest, after)
        self._open.append(longer)
        self._inherit(last, longer)
        seen = [as_source(capture) for capture in shorter if capture.path != source.path]
        self._seen += [Seen(longer.capture_id, **msgspec.structs.asdict(each)) for each in seen]
        again = self._lineage.seen(last.capture_id)
        self._seen += [msgspec.structs.replace(each, by=longer.capture_id) for each in again]

    def _are_settled(self, captures: Iterable[PlannedCapture]) -> bool:
        """Whether all of them are visible: a plan never replaces what another has not finished."""
        return all(self._lineage.is_settled(c) and c.capture_id not in self._dropped for c in captures)

    def _is_young(self, source: Source) -> bool:
        return self._young_ns is not None and source.mtime_ns > self._young_ns

    def _copy(self, source: Source, match: Match) -> str:
        """Plan copies of all captures of the line that has none here; gives the id of the last one."""
        after = None
        for capture in match.line:
            if known := self._lineage.copy_at(source.path, capture.capture_id):
                after = known
                continue
            more = match.rest is not None or capture is not match.line[-1]
            copy = self._capture(source, match, as_range(capture), after, partial=more)
            self._add(match, copy)
            after = copy.capture_id
        return after or ""

    def _add(self, match: Match, capture: PlannedCapture) -> None:
        (self._closed if match.former else self._added).append(capture)

    def _capture(
        self, source: Source, match: Match, range_: Range, after: str | None, *, partial: bool = False
    ) -> PlannedCapture:
        n, copy_of = self._lineage.number(range_.digest)
        capture = PlannedCapture(
            **msgspec.structs.asdict(source),
            compression=match.compression,
            **msgspec.structs.asdict(range_),
            n=n,
            capture_id=ids.capture_id(range_.digest, n),
            copy_of=copy_of,
            after=after,
            partial=partial,
            damage=None if partial else match.damage,
            forgotten=self._lineage.is_forgotten(copy_of),
        )
        self._lineage.add(capture)
        return capture

    def _drop_former(self) -> None:
        """Drop what no source holds any more; what is known to be in another file stays."""
        for lost in self._former.keys() - self._found:
            if self._lineage.is_forgotten(lost):
                continue  # the same bytes may turn up elsewhere
            if not self._lineage.elsewhere(self._lineage.captures[lost], self._former[lost]):
                self._dropped.add(lost)

    def _promote(self) -> None:
        """Let a copy give the rows that a void part never gave, and be copied by the other copies."""
        for owner in self._lineage.orphaned():
            copies = self._lineage.copies(owner)
            if self._are_settled(copies) and (able := [copy for copy in copies if is_there(copy)]):
                able.sort(key=lambda copy: copy.forgotten)
                for copy in able:
                    of = able[0].capture_id if copy is not able[0] else None
                    self._closed.append(msgspec.structs.replace(copy, copy_of=of))
                    self._inherit(copy, copy)
                self._dropped.update(copy.capture_id for copy in able)

    def _inherit(self, former: PlannedCapture, capture: PlannedCapture) -> None:
        """What replaces a capture is read with the options of that one: a dropped text stays dropped."""
        part = self._lineage.parts[self._lineage.part_of[former.capture_id]]
        self._options[capture.capture_id] = part.options

    def _pack(
        self, captures: Iterable[PlannedCapture], part_bytes: int, options: dict[str, str]
    ) -> list[Part]:
        """Parts of about `part_bytes` with the captures in their order; their names are given later."""
        parts: list[Part] = []
        for own, group in groupby(captures, key=lambda c: self._options.get(c.capture_id, options)):
            parts += [Part("", packed, options=own) for packed in _of_size(group, part_bytes)]
        return parts

    def _without_dropped(self) -> tuple[list[str], list[Part]]:
        """The parts that hold dropped captures, and parts with what else is in them."""
        lineage = self._lineage
        names = sorted({lineage.part_of[capture] for capture in self._dropped})
        kept: list[Part] = []
        for part in map(lineage.parts.__getitem__, names):
            captures = tuple(c for c in part.captures if c.capture_id not in self._dropped)
            if captures:
                kept.append(Part("", captures, (part.name,), part.options))
        return names, kept


def _of_size(captures: Iterable[PlannedCapture], part_bytes: int) -> list[tuple[PlannedCapture, ...]]:
    packed: list[list[PlannedCapture]] = []
    room = -1
    for capture in captures:
        if room < capture.bytes or len(packed[-1]) == PART_CAPTURES:
            packed.append([])
            room = part_bytes
        packed[-1].append(capture)
        room -= capture.bytes
    return [tuple(captures) for captures in packed]
