"""Plans: which captures a dataset holds, in which parts, and which parts count.

A plan is one immutable file, `_plan/00000001.json` and on, published create-only. This module is its
format and the algebra over a list of plans; it does no I/O.

What counts follows from the plans and from the set of whole parts alone:

- A plan without `replaces` makes each of its parts visible as soon as that part is whole.
- A plan with `replaces` is a transaction: its parts appear, and the parts it replaces disappear, in the
  moment in which the last of its parts is whole.
- A part named by `voids` is as if it had never been planned (its source changed before it was read), and
  so is a whole transaction that has such a part: what it would have replaced stays. But a part that is
  whole is never void: another ingest read it in time. Which came first is decided once and for good by
  who creates the part's mark, the file in `captures` (see `Dataset.settled`).

A part is *live* if it is not void and nothing replaces it: its captures are covered, read already or not.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import msgspec

from ssetl.errors import DatasetDamaged, SchemaVersionError
from ssetl.version import SCHEMA_VERSION

PLAN_VERSION: Final = 1
"""Version of the plan format itself; the columns have `SCHEMA_VERSION`."""


class PlannedCapture(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A range of a source, and what proves later that the source still holds it.

    Args:
        path, inode, size, mtime_ns: the source as it was listed, `size` in stored (compressed) bytes.
        compression: none, gzip, zstd, bzip2 or xz.
        offset, bytes: the range, in decompressed bytes.
        digest: BLAKE3 of the range, hex.
        head: BLAKE3 (16 bytes, hex) of the first `digests.head_length(bytes)` bytes of the range.
        tail: the same of its last `digests.EDGE` bytes, or of all if it has fewer.
        n: how many captures of this digest there were before this one.
        capture_id: `ids.capture_id(digest, n)`.
        copy_of: the capture that, with the same digest, gives the rows of these bytes.
        after: the capture of the same source that ends where this one begins.
        partial: whether the source went on behind this range when it was planned.
        damage: what ended decompression early, if something did.
        forgotten: its rows are gone for good. It stays covered, so that they do not come back.
        trimmed: rows of some of its streams are gone for good, so it is never read again.
    """

    path: str
    inode: str
    size: int
    mtime_ns: int
    compression: str
    offset: int
    bytes: int
    digest: str
    head: str
    tail: str
    n: int
    capture_id: str
    copy_of: str | None = None
    after: str | None = None
    partial: bool = False
    damage: str | None = None
    forgotten: bool = False
    trimmed: bool = False

    @property
    def end(self) -> int:
        """First decompressed byte behind the range."""
        return self.offset + self.bytes


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one unit of ingest writes: a file of this name in each table.

    Args:
        name: number of the plan and position in it, `00000007-0000`.
        captures: in the order in which their rows are written.
        gathers: if not empty, the rows of `captures` are copied from these parts (they are replaced by
            the same plan), and no source is read.
        options: what was asked for at ingest and changes the rows, `{"content": "hash"}`.
        without: of what is gathered, streams with these ids are left out,
        since: and streams that started before that.
    """

    name: str
    captures: tuple[PlannedCapture, ...]
    gathers: tuple[str, ...] = ()
    options: dict[str, str] = {}
    without: tuple[str, ...] = ()
    since: datetime | None = None


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A source that holds nothing new: its last bytes, and so all of them, are those of capture `by`.

    It counts for as long as that capture is live.
    """

    by: str
    path: str
    inode: str
    size: int
    mtime_ns: int


class Plan(msgspec.Struct, frozen=True):
    """One plan file: a step in the life of a dataset. The module says what `replaces` and `voids` do."""

    number: int
    created_at: datetime
    ssetl_version: str
    parts: tuple[Part, ...] = ()
    replaces: tuple[str, ...] = ()
    voids: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()
    version: int = PLAN_VERSION
    schema_version: int = SCHEMA_VERSION

    @property
    def created_us(self) -> int:
        """`created_at` in microseconds since 1970: the column `ingested_at` of its captures."""
        return (self.created_at - _EPOCH) // timedelta(microseconds=1)


class Snapshot(msgspec.Struct, frozen=True):
    """What is left of all plans up to `number`, so that readers need not open each of them."""

    number: int
    plans: tuple[Plan, ...]
    version: int = PLAN_VERSION
    schema_version: int = SCHEMA_VERSION


def instant(microseconds: int) -> datetime:
    """The time that is so many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def part_name(number: int, position: int) -> str:
    """Name of the part at `position` of plan `number`."""
    return f"{number:08d}-{position:04d}"


def plan_number(part: str) -> int:
    """Number of the plan that named a part."""
    return int(part.partition("-")[0])


def encode(value: Plan | Snapshot) -> bytes:
    """The bytes of its file."""
    return _encoder.encode(value) + b"\n"


def decode_plan(data: bytes, where: str) -> Plan:
    """The plan that a file holds; `where` names it in errors.

    Raises:
        SchemaVersionError: another ssetl wrote it, with other columns or another plan format.
        DatasetDamaged: it is no plan.
    """
    return _decode(_plan_decoder, data, where)


def decode_snapshot(data: bytes, where: str) -> Snapshot:
    """The snapshot that a file holds; errors as of `decode_plan`."""
    return _decode(_snapshot_decoder, data, where)


def live_parts(plans: Sequence[Plan], whole: Set[str]) -> dict[str, Part]:
    """The parts that are not void and that nothing replaces, by name, in the order of the plans."""
    void = _void_parts(plans, whole)
    replaced = {name for plan in _effective(plans, void) for name in plan.replaces}
    return {part.name: part for part in _parts(plans) if part.name not in void | replaced}


def pending_parts(plans: Sequence[Plan], whole: Set[str]) -> list[Part]:
    """The live parts that are not whole yet: what is left to do."""
    return [part for name, part in live_parts(plans, whole).items() if name not in whole]


def visible_parts(plans: Sequence[Plan], whole: Set[str]) -> list[str]:
    """The parts that readers use, in the order of the plans."""
    visible: list[list[str]] = []
    replaced: set[str] = set()
    # Plans replace earlier parts only: from the last to the first, all replacements are known in time.
    for plan in reversed(plans):
        names = [part.name for part in plan.parts if part.name not in replaced]
        if plan.replaces:
            # A void part is not whole and never will be, and so its transaction is off.
            if any(name not in whole for name in names):
                continue
            replaced.update(plan.replaces)
        visible.append([name for name in names if name in whole])
    return [name for names in reversed(visible) for name in names]


def voided(plans: Sequence[Plan]) -> frozenset[str]:
    """The parts that a plan voids, in time or too late. What was replaced since had been whole."""
    named = {name for plan in plans for name in plan.voids}
    return frozenset(named.difference(name for plan in plans for name in plan.replaces)) if named else _NONE


def seen(plans: Sequence[Plan], whole: Set[str]) -> Iterator[Seen]:
    """The sources that hold nothing new; what a transaction saw that is off, was never seen."""
    live = {capture.capture_id for part in live_parts(plans, whole).values() for capture in part.captures}
    effective = _effective(plans, _void_parts(plans, whole))
    return (source for plan in effective for source in plan.seen if source.by in live)


def condense(plans: Sequence[Plan], whole: Set[str]) -> tuple[Plan, ...]:
    """Fewer plans with the same live and visible parts, now and whatever becomes whole later."""
    void = _void_parts(plans, whole)
    visible = set(visible_parts(plans, whole))
    gone: set[str] = set()
    # A part that seems void here may be whole by now: what is void stays named, and what it covers known.
    still_seen = {*seen(plans, whole), *seen(plans, whole | voided(plans))}
    condensed: list[Plan] = []
    for plan in reversed(plans):
        parts = tuple(part for part in plan.parts if part.name not in gone)
        if plan.replaces and not all(part.name in visible for part in parts):
            condensed.append(plan)
            continue
        gone.update(plan.replaces)
        known = tuple(source for source in plan.seen if source in still_seen)
        voids = tuple(name for name in plan.voids if name in void)
        if parts or known or voids:
            kept = msgspec.structs.replace(plan, parts=parts, seen=known, replaces=(), voids=voids)
            condensed.append(kept)
    return tuple(reversed(condensed))


T = TypeVar("T", Plan, Snapshot)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NONE: Final = frozenset[str]()


class _Versions(msgspec.Struct):
    version: int
    schema_version: int


_versions = msgspec.json.Decoder(_Versions)
_plan_decoder = msgspec.json.Decoder(Plan)
_snapshot_decoder = msgspec.json.Decoder(Snapshot)
_encoder = msgspec.json.Encoder()


def _decode(decoder: msgspec.json.Decoder[T], data: bytes, where: str) -> T:
    try:
        found = _versions.decode(data)
        if (found.version, found.schema_version) == (PLAN_VERSION, SCHEMA_VERSION):
            return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DatasetDamaged(
            f"{where} must be a plan of ssetl, but it is not: {error}."
            " Restore the file from a backup, or ingest the sources into a new dataset."
        ) from None
    newer = found.version > PLAN_VERSION or found.schema_version > SCHEMA_VERSION
    remedy = "upgrade ssetl" if newer else "ingest the sources into a new dataset"
    raise SchemaVersionError(
        f"{where} has schema version {found.schema_version} (plan format {found.version}),"
        f" and this ssetl reads {SCHEMA_VERSION} ({PLAN_VERSION}): {remedy}."
    )


def _parts(plans: Iterable[Plan]) -> Iterator[Part]:
    return (part for plan in plans for part in plan.parts)


def _void_parts(plans: Sequence[Plan], whole: Set[str]) -> frozenset[str]:
    """Parts that count as never planned: those voided in time, and all of a transaction with one of them."""
    named = voided(plans) - whole
    if not named:
        return named
    transactions = [plan for plan in plans if plan.replaces and _is_void(plan, named)]
    return named.union(part.name for part in _parts(transactions))


def _is_void(plan: Plan, void: Set[str]) -> bool:
    return bool(plan.replaces) and any(part.name in void for part in plan.parts)


def _effective(plans: Sequence[Plan], void: Set[str]) -> Iterator[Plan]:
    return (plan for plan in plans if not _is_void(plan, void))
