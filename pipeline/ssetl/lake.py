"""One dataset, open for reading: reports, SQL and scans. What `ssetl.open` gives."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import pyarrow as pa

from ssetl import checks, reports, schema
from ssetl.checks import Finding
from ssetl.dataset import Dataset
from ssetl.errors import DatasetDamaged, UnknownReport
from ssetl.explain import Explanation, explain
from ssetl.parameters import Value
from ssetl.reports import Report
from ssetl.results import held
from ssetl.warehouse import Warehouse

if TYPE_CHECKING:
    import polars as pl


MAX_BYTES: Final = 2 << 30
"""How much a report or a query may give as a DataFrame."""


class Lake:
    """A dataset as it was when it was opened. Close it, or use it in a `with`.

    >>> with ssetl.open("data/lake") as lake:
    ...     lake.report("latency", model="gpt-4o")
    """

    def __init__(
        self, dataset: str | Path, *, queries: Iterable[str | Path] = (), content: bool = True
    ) -> None:
        """Open a dataset.

        Args:
            dataset: its folder.
            queries: folders of the user's own reports.
            content: whether reports and SQL see what people wrote, or only that there was something.

        Raises:
            NotADataset: the folder is none.
            SchemaVersionError: it was written with another schema.
        """
        self._dataset = Dataset.open(Path(dataset).absolute())
        self._folders = tuple(Path(folder) for folder in queries)
        self._content = content

    @cached_property
    def _warehouse(self) -> Warehouse:
        while True:
            try:
                return Warehouse(self._dataset, views=reports.views(), content=self._content)
            except DatasetDamaged:
                # A part that was replaced since, and removed, is no damage: look again.
                now = Dataset.open(self._dataset.path)
                if now.visible_parts() == self._dataset.visible_parts():
                    raise
                self._dataset = now

    def names(self) -> list[str]:
        """Names of all reports, the user's own among them."""
        return list(reports.names(self._folders))

    def reports(self) -> list[Report]:
        """All reports by name, the user's in place of shipped ones of the same name.

        Raises:
            ReportError: a file breaks a rule; the message names file and line.
        """
        return reports.catalogue(self._folders)

    def report(self, name: str, /, **parameters: Value) -> "pl.DataFrame":
        """The rows of a report. Times may be datetimes or ISO 8601 texts; without a zone they are UTC.

        Raises:
            UnknownReport: there is no report of that name.
            BadParameter: it has no such parameter, or the value is not of its type.
            QueryError: DuckDB failed it.
            ResultTooLarge: it gave more than `MAX_BYTES`.
        """
        return _frame(self.report_batches(name, parameters))

    def sql(self, query: str, /, **parameters: Value) -> "pl.DataFrame":
        """The rows of one SELECT over captures, streams, chunks, rejects and the shipped views.

        Raises:
            QueryError: it is no single SELECT, does more than read, or fails.
            ResultTooLarge: it gave more than `MAX_BYTES`.
        """
        return _frame(self.sql_batches(query, parameters))

    def scan(self, table: str) -> "pl.LazyFrame":
        """A table as a polars LazyFrame over the Parquet files of its visible parts.

        Raises:
            UnknownReport: no table has that name.
        """
        import polars as pl  # noqa: PLC0415 - half a second that reports do without

        if table not in schema.TABLES:
            raise UnknownReport(f"no table is named {table!r}. There are: {', '.join(schema.TABLES)}.")
        files = self._dataset.files(table)
        if files:
            return pl.scan_parquet(files, glob=False, hive_partitioning=False)
        return _frame(schema.TABLES[table].empty_table().to_reader()).lazy()

    def explain(self, stream: str) -> Explanation:
        """One stream as a timeline: its id, an unambiguous beginning of it, or its response_id.

        Raises:
            UsageError: there is no such stream, or more than one.
        """
        return explain(self._warehouse, stream)

    def check(self, *names: str) -> Iterator[Finding]:
        """What each check finds (all of them if none is named), one after the other.

        The first is `structure`; if it finds damaged files, and none was named, it is the last, too.

        Raises:
            UnknownReport: no check has that name.
            DatasetDamaged: an SQL check was named, and a file cannot be read.
        """
        return checks.run(self._dataset, lambda: self._warehouse, names)

    def report_batches(
        self, name: str, parameters: Mapping[str, Value] | None = None
    ) -> pa.RecordBatchReader:
        """As `report`, as Arrow batches."""
        return reports.run(self._warehouse, reports.load(name, self._folders), parameters)

    def sql_batches(
        self, query: str, parameters: Mapping[str, Value] | None = None, *, origin: str = "SQL"
    ) -> pa.RecordBatchReader:
        """As `sql`, as Arrow batches; `origin` is what errors call the query."""
        return self._warehouse.select(self._warehouse.parse(query, origin), parameters)

    def table_batches(self, table: str) -> pa.RecordBatchReader:
        """All rows of a table as Arrow batches; without content, without the columns that hold it."""
        left_out = schema.CONTENT.get(table) if not self._content else None
        columns = f"* exclude ({', '.join(left_out)})" if left_out else "*"
        return self.sql_batches(f"from {table} select {columns}")

    def close(self) -> None:
        """End the DuckDB session, if one was begun."""
        if "_warehouse" in self.__dict__:
            self._warehouse.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _frame(batches: pa.RecordBatchReader) -> "pl.DataFrame":
    import polars as pl  # noqa: PLC0415 - as above

    return pl.DataFrame(held(batches, MAX_BYTES, "a DataFrame; `scan` and `ssetl export` have none"))
