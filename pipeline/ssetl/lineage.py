"""What a dataset covers already: the captures of its live parts, found by stat, by name and by content.

A *line* is the captures of one file in order, each beginning where the one before ends: what became of
a file that grew, under whatever names.
"""

from collections import defaultdict

from ssetl import plan
from ssetl.captures.digests import edge_digest, head_length
from ssetl.captures.sources import Source
from ssetl.dataset import Dataset
from ssetl.plan import PlannedCapture, Seen

Line = tuple[PlannedCapture, ...]


class PartGone(Exception):
    """A part was replaced and removed since the dataset was opened: open it again."""


class Lineage:
    """The captures of the live parts of a dataset, and those that are being planned.

    Attributes:
        parts: the live parts, by name.
        captures: their captures, by capture_id.
        part_of: name of the part of each of them, by capture_id; of those being planned, none.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.parts = plan.live_parts(dataset.plans, dataset.whole)
        self.captures: dict[str, PlannedCapture] = {}
        self.part_of: dict[str, str] = {}
        self._dataset = dataset
        self._visible = set(dataset.visible_parts())
        self._stats: dict[tuple[str, int, int], str] = {}
        self._names: set[tuple[str, str]] = set()
        self._seen: dict[str, list[Seen]] = defaultdict(list)
        self._last_of_path: dict[str, str] = {}
        self._last_of_inode: dict[str, str] = {}
        self._next: dict[str, list[str]] = defaultdict(list)
        self._roots: dict[str, list[PlannedCapture]] = defaultdict(list)
        self._head_lengths: set[int] = set()
        self._numbers: dict[str, set[int]] = defaultdict(set)
        self._owners: dict[str, str] = {}
        self._copies: dict[str, list[str]] = defaultdict(list)
        self._closed: dict[str, dict[str, int | None]] = {}
        for part in self.parts.values():
            for capture in part.captures:
                self.add(capture)
                self.part_of[capture.capture_id] = part.name
        for seen in plan.seen(dataset.plans, dataset.whole):
            self._stats[seen.inode, seen.size, seen.mtime_ns] = seen.by
            self._names.add((seen.inode, seen.path))
            self._seen[seen.by].append(seen)
        # What an unfinished plan replaces is still read: its ids are taken.
        for part in (part for p in dataset.plans for part in p.parts if part.name in self._visible):
            for capture in part.captures:
                self._numbers[capture.digest].add(capture.n)

    def add(self, capture: PlannedCapture) -> None:
        """Take note of a capture."""
        self.captures[capture.capture_id] = capture
        self._numbers[capture.digest].add(capture.n)
        self._names.add((capture.inode, capture.path))
        if not capture.partial:
            self._stats[capture.inode, capture.size, capture.mtime_ns] = capture.capture_id
        if capture.after:
            self._next[capture.after].append(capture.capture_id)
        self._note_last(self._last_of_path, capture.path, capture)
        self._note_last(self._last_of_inode, capture.inode, capture)
        if capture.copy_of is None:
            self._owners.setdefault(capture.digest, capture.capture_id)
            if capture.offset == 0 and capture.bytes:
                self._head_lengths.add(head_length(capture.bytes))
                self._roots[capture.head].append(capture)
        else:
            self._copies[capture.copy_of].append(capture.capture_id)

    def _note_last(self, lasts: dict[str, str], key: str, capture: PlannedCapture) -> None:
        # Parts that were replaced come back behind younger ones: the order of the plans tells nothing.
        known = self.captures.get(lasts.get(key, ""), capture)
        if (known.mtime_ns, known.end) <= (capture.mtime_ns, capture.end):
            lasts[key] = capture.capture_id

    def covers(self, source: Source) -> bool:
        """Whether the source is just as it was when all of it was covered, and that under this name."""
        return self.covered_by(source) is not None and (source.inode, source.path) in self._names

    def covered_by(self, source: Source) -> str | None:
        """The last capture of a source that is as it was when it was covered, whatever its name now."""
        return self._stats.get((source.inode, source.size, source.mtime_ns))

    def lines_of(self, source: Source) -> list[Line]:
        """The lines that were read last from its inode and from its path, if there are any."""
        lasts = {self._last_of_inode.get(source.inode), self._last_of_path.get(source.path)}
        return [self.line_to(last) for last in lasts if last]

    def line_to(self, last: str) -> Line:
        """The line that ends with a capture."""
        line = [self.captures[last]]
        while (before := line[-1].after) and before in self.captures:
            line.append(self.captures[before])
        return tuple(reversed(line))

    def originals(self, line: Line) -> Line:
        """The line with what its copies are copies of."""
        return tuple(self.captures.get(capture.copy_of or "", capture) for capture in line)

    def lines_from(self, first: PlannedCapture) -> list[Line]:
        """The lines that begin with a capture, copies left out."""
        lines: list[Line] = []
        unfinished: list[Line] = [(first,)]
        while unfinished:
            line = unfinished.pop()
            if following := self.following(line[-1]):
                unfinished += [(*line, capture) for capture in following]
            else:
                lines.append(line)
        return lines

    def following(self, capture: PlannedCapture) -> list[PlannedCapture]:
        """The captures that go on where one ends: several, if a copy went on differently."""
        same = (capture, *self.copies(capture.capture_id))
        after = (self.captures.get(id_) for each in same for id_ in self._next.get(each.capture_id, ()))
        return [found for found in after if found and not found.copy_of]

    def roots(self, first_bytes: bytes) -> list[PlannedCapture]:
        """First captures of lines that begin like this, copies left out."""
        lengths = (length for length in self._head_lengths if length <= len(first_bytes))
        heads = {edge_digest(first_bytes[:length]) for length in lengths}
        return [root for head in heads for root in self._roots.get(head, ())]

    def is_forgotten(self, capture: str | None) -> bool:
        """Whether the capture of that id has been forgotten."""
        return capture in self.captures and self.captures[capture].forgotten

    def number(self, digest: str) -> tuple[int, str | None]:
        """`n` for one more capture of these bytes, and the capture that gives their rows already."""
        taken = self._numbers.get(digest, set())
        n = next(n for n in range(len(taken) + 1) if n not in taken)
        return n, self._owners.get(digest)

    def copies(self, of: str) -> list[PlannedCapture]:
        """The captures that are copies of one."""
        return [self.captures[copy] for copy in self._copies.get(of, ())]

    def copy_at(self, path: str, of: str) -> str | None:
        """Id of the copy of a capture that was read from a path."""
        return next((copy.capture_id for copy in self.copies(of) if copy.path == path), None)

    def seen(self, by: str) -> list[Seen]:
        """The sources that hold nothing new because of a capture."""
        return self._seen.get(by, [])

    def was_at(self, capture: PlannedCapture, source: Source) -> bool:
        """Whether the line that ends with a capture was read from a source, or seen in it under that name."""
        seen = self.seen(capture.capture_id) + self.seen(capture.copy_of or "")
        names = {each.path for each in seen if each.inode == source.inode}
        return source.path in {capture.path, *names}

    def elsewhere(self, capture: PlannedCapture, source: Source) -> bool:
        """Whether the bytes of a capture were found in another file than a source, by inode and by path.

        Whoever holds what goes on behind it, or a copy of any of that, holds it, too.
        """
        through = {each.capture_id: each for line in self.lines_from(capture) for each in line}
        held = [found for each in through.values() for found in (each, *self.copies(each.capture_id))]
        read = [(each.inode, each.path) for each in held]
        seen = [(seen.inode, seen.path) for each in held for seen in self.seen(each.capture_id)]
        return any(inode != source.inode and path != source.path for inode, path in read + seen)

    def orphaned(self) -> list[str]:
        """The captures that a part had which is void by now, and that have copies."""
        return [owner for owner in self._copies if owner not in self.captures]

    def is_settled(self, capture: PlannedCapture) -> bool:
        """Whether the capture has been read and its rows count."""
        return self.part_of.get(capture.capture_id) in self._visible

    def is_open(self, capture: PlannedCapture) -> bool:
        """Whether more bytes behind a settled capture may change what was read of it.

        Of what has been forgotten nothing may come back, so it is never open.
        """
        if capture.forgotten or capture.trimmed:
            return False
        return capture.damage is not None or self.closed_bytes(capture) < capture.bytes

    def closed_bytes(self, capture: PlannedCapture) -> int:
        """Bytes of a settled capture up to which no stream was left open.

        Raises:
            PartGone: its part was replaced and removed meanwhile.
        """
        part = self.part_of[capture.capture_id]
        if part not in self._closed:
            from ssetl import marks  # noqa: PLC0415 - asked of files that grew only

            try:
                self._closed[part] = marks.closed_bytes(self._dataset.file("captures", part))
            except FileNotFoundError:
                raise PartGone(part) from None
        return self._closed[part].get(capture.capture_id) or 0
