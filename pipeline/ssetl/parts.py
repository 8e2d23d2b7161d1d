"""Writing a part: four Parquet files, the one in `captures` last, each of them whole or not there.

The same rows in the same batches give the same bytes, so writing a part twice is harmless: whoever comes
second finds the files there and throws its own away.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
from pyarrow._parquet import ParquetWriter  # `pyarrow.parquet` loads file systems and clouds, for 50 ms

from ssetl import files, kernels, schema
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.privacy import KEEP, Policy, screened
from ssetl.tuning import give_back

ROW_GROUP_ROWS: Final = 128 << 10
"""Rows from which on a row group ends, what a reader skips or reads as one: it ends with a batch."""

ROW_GROUP_BYTES: Final = 64 << 20
"""A row group ends earlier if its rows take so much memory."""

MAX_SORTED: Final = 1 << 15
"""So many streams are sorted by their start together; more are written in several runs."""

_BATCH_ROWS: Final = 64 << 10  # that the writer encodes at a time; its own 1024 cost a fifth more

_MANIFOLD: Final = ("extra", "logprobs")  # texts that are mostly different: a dictionary of them is in vain

_STEADY: Final = frozenset({"choice_position", "choice_index", "comments_before", "created_at"})
"""Numbers of chunks that are mostly those of the row before: written as they are and compressed, they take
half the time of deltas, and less space."""

_TERSE: Final = frozenset(
    {
        "received_at",
        "since_request_us",
        "since_previous_us",
        "since_content_us",
        "event_type",
        "api",
        "response_model",
        "service_tier",
        "system_fingerprint",
        "role",
        "finish_reason",
        *(field.name for field in schema.USAGE),
    }
)
"""Columns that their encoding leaves little of: to compress that as well is a tenth of all work."""

_TIDY: Final = 8  # row groups of a file after which idle memory is given back

_FILTERED: Final = {"streams": 128 << 10, "chunks": 16 << 10}
"""Different values of a row group for which a bloom filter is exact enough: the filters of all row groups are
in memory until their file is closed."""

BLOOM_FILTERS: Final = ("stream_id", "response_id")
"""Columns of streams and chunks by which one stream is looked up."""


class PartWriter:
    """Writes one part. A context manager: what was not committed leaves nothing behind.

    Args:
        dataset: where the part belongs.
        part: its name, as planned.
        policy: how texts are written.
    """

    def __init__(self, dataset: Dataset, part: str, *, policy: Policy = KEEP) -> None:
        self._dataset, self._part = dataset, part
        self._tables = {
            table: _TableWriter(table, dataset.file(table, part), policy) for table in TABLE_ORDER
        }

    def write(self, table: str, rows: pa.RecordBatch | pa.Table) -> None:
        """Add rows to a table; columns as in `schema.TABLES[table]`, strings may be dictionaries."""
        if rows.schema.names != schema.TABLES[table].names:
            raise ValueError(f"rows of {table} with columns {rows.schema.names}")
        added = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        self._tables[table].write(added)

    def commit(self) -> None:
        """Make the part whole. Tables without rows become files without rows.

        Unless it has been finished by another, and replaced and removed since: then it stays removed.
        """
        for table in TABLE_ORDER:
            self._tables[table].publish()
        self.abort()
        self._dataset.withdraw(self._part)

    def abort(self) -> None:
        """Remove what was written and not committed."""
        for table in self._tables.values():
            table.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


class _TableWriter:
    """One file: collects batches into row groups, writes them under a temporary name, publishes it."""

    def __init__(self, table: str, path: Path, policy: Policy) -> None:
        self._table, self._path, self._policy = table, path, policy
        self._temporary = files.temporary_name(path)
        self._held: int | None = None
        self._writer: ParquetWriter | None = None
        self._at_work = threading.Lock()  # while somebody writes rows
        self._is_discarded = False
        self._schema: pa.Schema | None = None
        self._waiting: list[pa.Table] = []
        self._encoding: _Background | None = None
        self._rows = self._bytes = self._flushed = 0

    def write(self, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        # Texts may come as dictionaries here and plain there; in the file they are the same.
        self._schema = self._schema or _unmarked(rows.schema)
        self._waiting.append(rows if rows.schema.equals(self._schema) else _cast(rows, self._schema))
        self._rows += rows.num_rows
        self._bytes += rows.nbytes
        if self._rows >= ROW_GROUP_ROWS or self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def publish(self) -> None:
        self._finish()
        with files.naming(self._path):
            if self._waiting:
                self._encode(self._waiting)
            self._open(schema.TABLES[self._table]).close()
            self._writer = None
        files.publish(self._temporary, self._path)

    def discard(self) -> None:
        self._is_discarded = True
        self._waiting.clear()
        # After a failed write (a full disk), closing fails again; the file goes away in any case.
        with contextlib.suppress(OSError, pa.ArrowException):
            self._finish()
        # A signal may have come before the thread that writes was known, or while it was waited for.
        with self._at_work:
            with contextlib.suppress(OSError, pa.ArrowException):
                if self._writer is not None:
                    self._writer.close()
            files.remove(self._temporary)
            # A signal may come behind each line, and this be called again.
            held, self._held = self._held, None
            if held is not None:
                os.close(held)

    def _flush(self) -> None:
        """Write a row group while the next one is made; not more than one, so that memory is bounded."""
        self._finish()
        rows, self._waiting = self._waiting, []
        self._rows = self._bytes = 0
        self._encoding = _Background(lambda: self._encode(rows))
        self._flushed += 1
        if self._flushed % _TIDY == 0:
            give_back()

    def _finish(self) -> None:
        if self._encoding is None:
            return
        self._encoding.join()  # a signal may end this: then it still writes, and `discard` must wait for it
        encoding, self._encoding = self._encoding, None
        with files.naming(self._path):
            encoding.check()

    def _encode(self, batches: list[pa.Table]) -> None:
        with self._at_work:
            if self._is_discarded:
                return
            written = [screened(self._table, batch, self._policy) for batch in batches]
            rows = pa.concat_tables(written).unify_dictionaries()
            self._open(rows.schema).write_table(rows, row_group_size=rows.num_rows)

    def _open(self, rows: pa.Schema) -> ParquetWriter:
        if self._writer is None:
            self._held = files.hold(self._temporary)
            self._writer = ParquetWriter(self._temporary, rows, **_options(self._table))
            told = {name.encode(): text.encode() for name, text in schema.footer(self._table).items()}
            self._writer.add_key_value_metadata(pa.KeyValueMetadata(told))
        return self._writer


class _Background(threading.Thread):
    """Work in a thread of its own; Arrow encodes and compresses without holding the interpreter."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(name="ssetl-parquet")
        self._work = work
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error

    def check(self) -> None:
        """Raise what the work raised; it is over."""
        if self._error is not None:
            raise self._error


def _unmarked(rows: pa.Schema) -> pa.Schema:
    """A schema without what is known of the columns of some rows, see `privacy.SCREENED`."""
    return pa.schema([field.remove_metadata() for field in rows])


def _cast(rows: pa.Table, to: pa.Schema) -> pa.Table:
    columns = [kernels.cast(column, field.type) for column, field in zip(rows.columns, to, strict=True)]
    return pa.Table.from_arrays(columns, schema=to)


def _options(table: str) -> dict[str, Any]:
    """How the columns of a table are stored.

    Dictionaries for texts and deltas for most numbers: half the size and twice as fast to write as
    dictionaries for all, measured on chunks. Bloom filters shrink to the values that are there. Texts
    have no statistics: rows are in the order of time, so that no text is in few row groups only. A page
    ends by its size, not its rows: each costs some work, however little is in it.
    """
    columns = schema.TABLES[table]
    numbers = {f.name for f in columns if pa.types.is_integer(f.type) or pa.types.is_timestamp(f.type)}
    if table == "chunks":
        numbers -= _STEADY
    texts = [field.name for field in columns if pa.types.is_string(field.type)]
    filters = {name: {"ndv": _FILTERED[table], "fpp": 0.01} for name in BLOOM_FILTERS if table in _FILTERED}
    return {
        "writer_engine_version": "V2",
        "compression": {
            leaf: "zstd" for field in columns if field.name not in _TERSE for leaf in _leaves(field)
        },
        "use_dictionary": [name for name in texts if name not in _MANIFOLD],
        "column_encoding": dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
        "write_statistics": [name for name in columns.names if name not in texts],
        "write_batch_size": _BATCH_ROWS,
        "max_rows_per_page": ROW_GROUP_ROWS,
        "bloom_filter_options": filters or None,
        "store_schema": False,
        "write_page_checksum": True,
    }


def _leaves(field: "pa.Field[pa.DataType]") -> list[str]:
    """The columns of a Parquet file that a column becomes."""
    if not isinstance(field.type, pa.ListType):
        return [field.name]
    element = field.type.value_type
    inside = [f".{each.name}" for each in element] if isinstance(element, pa.StructType) else [""]
    return [f"{field.name}.list.element{name}" for name in inside]
