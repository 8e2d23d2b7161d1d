"""Writing a part from the rows of other parts: what growth, compaction and forgetting are made of.

Rows come in the order of the part's captures, streams by their start, unchanged but for those that the part
is to leave out. Rows are read by row group and written as they come; of the groups, as many are kept at hand
as `CACHED_BYTES` allows, so memory does not grow with the part.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ssetl import tables
from ssetl.dataset import Dataset
from ssetl.errors import DatasetDamaged
from ssetl.lineage import PartGone
from ssetl.parts import MAX_SORTED, PartWriter
from ssetl.plan import Part

REMEDY: Final = "`ssetl check` names what is damaged, and `ssetl repair` mends what it can."
"""What to do about a file that cannot be read."""

CACHED_BYTES: Final = 128 << 20
"""So many bytes of row groups are kept, for the rows of one are not always wanted one after the other."""

BATCH_ROWS: Final = 32 << 10
"""Rows are handed on in batches of so many, or of fewer if they are of many row groups."""


def gather(dataset: Dataset, part: Part) -> None:
    """Write a part whose rows are in other parts: those of its captures that it does not leave out.

    Raises:
        DatasetDamaged: a file that holds the rows is missing or damaged.
        OSError: the dataset cannot be written.
    """
    try:
        _gather(dataset, part)
    except (FileNotFoundError, PartGone, pa.ArrowException) as error:
        # Another process may have finished this part, and removed what it replaces.
        if part.name in {pending.name for pending in Dataset.open(dataset.path).pending_parts()}:
            found = str(error).strip().splitlines()[0]
            sources = ", ".join(part.gathers[:3])
            raise DatasetDamaged(
                f"part {part.name} is to be made of {sources}, and a file of these cannot be read: {found}."
                f" {REMEDY}"
            ) from None


def columns(dataset: Dataset, table: str, part: str, *names: str) -> pa.Table:
    """Some columns of a whole part's rows of a table.

    Raises:
        PartGone: the part was replaced and removed meanwhile.
        DatasetDamaged: the file cannot be read.
    """
    path = dataset.file(table, part)
    try:
        with pq.ParquetFile(path) as file:
            return file.read(list(names))
    except (OSError, pa.ArrowException) as error:
        if part not in Dataset.open(dataset.path).needed_parts():
            raise PartGone(part) from None
        found = str(error).strip().splitlines()[0]
        raise DatasetDamaged(f"{path} cannot be read: {found}. {REMEDY}") from None


def stream_starts(dataset: Dataset, part: str) -> pa.Table:
    """The streams of a whole part: capture_id, stream_id, and started_at; if unknown, ingested_at."""
    streams = columns(dataset, "streams", part, "capture_id", "stream_id", "started_at")
    captures = columns(dataset, "captures", part, "capture_id", "ingested_at")
    joined = streams.join(captures, "capture_id")
    starts = pc.coalesce(joined["started_at"], joined["ingested_at"])
    return pa.table([joined["capture_id"], joined["stream_id"], starts], streams.column_names)


def _gather(dataset: Dataset, part: Part) -> None:
    left_out = _left_out(dataset, part)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    with PartWriter(dataset, part.name) as writer:
        for rows in _rows(dataset, part, "rejects"):
            writer.write("rejects", rows)
        for rows in _rows(dataset, part, "chunks"):
            kept = _without(rows, left_out)
            if left_out:
                _add(counts, kept, chunks=("capture_id", "count"))
            writer.write("chunks", kept)
        for rows in _in_runs(_rows(dataset, part, "streams")):
            kept = _without(rows, left_out)
            if left_out:
                _add(counts, kept, streams=("capture_id", "count"), events=("events", "sum"))
            writer.write("streams", tables.by_start(kept.to_batches()))
        for rows in _rows(dataset, part, "captures"):
            writer.write("captures", _recounted(rows, counts) if left_out else rows)
        writer.commit()


def _left_out(dataset: Dataset, part: Part) -> "pa.Array[Any] | None":
    """Ids of the streams that the part leaves out; None if it takes all."""
    if not part.without and part.since is None:
        return None
    ids = pa.array(part.without, pa.string())
    if part.since is None:
        return ids
    wanted = pa.array([capture.capture_id for capture in part.captures], pa.string())
    before = pc.field("capture_id").isin(wanted) & (pc.field("started_at") < pa.scalar(part.since))
    found = [stream_starts(dataset, source).filter(before)["stream_id"] for source in part.gathers]
    return pa.concat_arrays([ids, *(chunk for column in found for chunk in column.chunks)])


def _without(rows: pa.Table, streams: "pa.Array[Any] | None") -> pa.Table:
    return rows if streams is None else rows.filter(pc.invert(pc.is_in(rows["stream_id"], streams)))


def _add(counts: dict[str, dict[str, int]], rows: pa.Table, **sums: tuple[str, str]) -> None:
    """Add up by capture: `name=(column, function)`."""
    functions: list[Any] = list(sums.values())
    totals = rows.group_by("capture_id").aggregate(functions)
    for name, (column, function) in sums.items():
        for row in totals.select(["capture_id", f"{column}_{function}"]).to_pylist():
            counts[row["capture_id"]][name] += row[f"{column}_{function}"] or 0


def _recounted(rows: pa.Table, counts: dict[str, dict[str, int]]) -> pa.RecordBatch:
    """Rows of `captures` that count what is left; copies count nothing."""
    told: list[dict[str, Any]] = rows.to_pylist()
    names = ("streams", "events", "chunks")
    left = [
        row if row["copy_of"] else row | {name: counts[row["capture_id"]][name] for name in names}
        for row in told
    ]
    return tables.captures(left)


class _Run(NamedTuple):
    """Rows of one capture that stand together, in the order in which they are wanted."""

    position: int
    source: int
    group: int
    start: int
    length: int


def _rows(dataset: Dataset, part: Part, table: str) -> Iterator[pa.Table]:
    """The rows of a part's captures, in their order."""
    groups = _Groups(dataset, part, table)
    waiting: list[pa.Table] = []
    pinned: dict[tuple[int, int], int] = {}
    for run in sorted(_runs(dataset, part, table)):
        group = groups.read(run.source, run.group)
        waiting.append(group.slice(run.start, run.length))
        pinned[run.source, run.group] = group.nbytes
        if sum(map(len, waiting)) >= BATCH_ROWS or sum(pinned.values()) >= CACHED_BYTES // 2:
            # Joined rows are copies: they do not hold their row groups in memory.
            yield pa.concat_tables(waiting).combine_chunks()
            waiting.clear()
            pinned.clear()
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _runs(dataset: Dataset, part: Part, table: str) -> Iterator[_Run]:
    positions = {c.capture_id: n for n, c in enumerate(part.captures) if not c.forgotten}
    for source, name in enumerate(part.gathers):
        with pq.ParquetFile(dataset.file(table, name)) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, ["capture_id"])["capture_id"].combine_chunks()
                start = 0
                encoded = pc.call_function("run_end_encode", [ids])
                for capture, end in zip(
                    encoded.values.to_pylist(), encoded.run_ends.to_pylist(), strict=True
                ):
                    if (position := positions.get(capture)) is not None:
                        yield _Run(position, source, group, start, end - start)
                    start = end


class _Groups:
    """Row groups of the gathered parts, the last ones used at hand."""

    def __init__(self, dataset: Dataset, part: Part, table: str) -> None:
        self._files = [dataset.file(table, name) for name in part.gathers]
        self._kept: OrderedDict[tuple[int, int], pa.Table] = OrderedDict()
        self._bytes = 0

    def read(self, source: int, group: int) -> pa.Table:
        """One row group."""
        key = source, group
        if key not in self._kept:
            with pq.ParquetFile(self._files[source]) as file:
                self._kept[key] = file.read_row_group(group)
            self._bytes += self._kept[key].nbytes
            while self._bytes > CACHED_BYTES and len(self._kept) > 1:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        self._kept.move_to_end(key)
        return self._kept[key]


def _in_runs(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Tables of about `MAX_SORTED` rows."""
    run: list[pa.Table] = []
    for rows in batches:
        run.append(rows)
        if sum(map(len, run)) >= MAX_SORTED:
            yield pa.concat_tables(run)
            run.clear()
    if run:
        yield pa.concat_tables(run)
