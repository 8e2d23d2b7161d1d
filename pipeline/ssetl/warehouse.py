"""A dataset as SQL: a DuckDB session with one view per table, in which nothing can be written.

Views hold the rows of the whole, not replaced parts, as they were when the session began; over no parts they
are empty and typed. The session is UTC. Rows leave as Arrow.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import duckdb
import pyarrow as pa

from ssetl import schema, statement
from ssetl.errors import BadParameter, DatasetDamaged, QueryError
from ssetl.parameters import Value
from ssetl.results import gathered
from ssetl.statement import Statement

MEMORY_LIMIT: Final = "60%"
"""Of the machine's memory, for one session."""

TEMPORARY_LIMIT: Final = "16GB"
"""Disk space that the queries of one session may take for what memory does not hold."""

VECTOR_ROWS: Final = 2048
"""Rows that leave the session at a time, as many as DuckDB computes at once: each may be large."""


HIDDEN: Final = "[hidden]"
"""What a session without content shows in place of a text that is not empty."""


class Parts(Protocol):
    """What the warehouse needs of a dataset."""

    def files(self, table: str) -> list[Path]:
        """Parquet files of `table`, of the visible parts."""
        ...


class Warehouse:
    """A locked DuckDB session over one dataset. Close it, or use it in a `with`."""

    def __init__(self, dataset: Parts, *, views: Mapping[str, str], content: bool = True) -> None:
        """Open a session over what `dataset` holds now.

        Args:
            dataset: gives the files of each table.
            views: SQL of further views by name; they may build on the tables.
            content: whether queries see what people wrote; if not, `HIDDEN` stands for each text of it.

        Raises:
            DatasetDamaged: a file of the dataset is no readable Parquet.
        """
        self._temporary = tempfile.TemporaryDirectory(prefix="ssetl-", ignore_cleanup_errors=True)
        spill = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": self._temporary.name,
            "max_temp_directory_size": TEMPORARY_LIMIT,
        }
        self._connection = duckdb.connect(config={**statement.CONFIG, **spill})
        files = {table: dataset.files(table) for table in schema.TABLES}
        self._files = [path for paths in files.values() for path in paths]
        try:
            self._build(files, views, {} if content else _WITHOUT_CONTENT)
        except duckdb.Error as error:
            self.close()
            told = statement.explanation(error)
            raise DatasetDamaged(
                f"the dataset cannot be read: {told} `ssetl check` names what is missing or damaged."
            ) from None

    def _build(
        self,
        files: Mapping[str, list[Path]],
        views: Mapping[str, str],
        replaced: Mapping[str, str],
    ) -> None:
        connection = self._connection
        connection.execute("set timezone = 'UTC'")
        for table, paths in files.items():
            if paths:
                parquet = connection.read_parquet(list(map(str, paths)), hive_partitioning=False)
                columns = f"* replace ({replaced[table]})" if table in replaced else "*"
                parquet.project(columns).create_view(table)
            else:
                connection.register(table, schema.TABLES[table].empty_table())
        for name, sql in views.items():
            connection.sql(sql).create_view(name)
        connection.execute(f"set allowed_paths = [{', '.join(map(_literal, self._files))}]")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")

    def parse(self, sql: str, origin: str = "SQL") -> Statement:
        """`sql` checked to be one statement that only reads; see `ssetl.statement.parse`."""
        return statement.parse(self._connection, sql, origin)

    def select(self, query: Statement, values: Mapping[str, Value] | None = None) -> pa.RecordBatchReader:
        """The rows of `query`, in batches, while it runs.

        Wide integers leave as 64 bits. Types that other tools do not know (intervals, enums, bit strings)
        leave as text. Of columns with one name, the later ones get `_1`, `_2`.

        Raises:
            BadParameter: `values` are not those that it has parameters for.
            QueryError: DuckDB refused the query; also while batches are read, when it fails midway.
        """
        _check_values(query, values or {})
        try:
            relation = self._connection.sql(query.sql, params=dict(values or {}))
            reader = relation.project(_plain(relation)).to_arrow_reader(VECTOR_ROWS)
        except duckdb.Error as error:
            raise self._failure(self._located(error, query, values), query) from None
        except RuntimeError as error:
            raise _interruption(error) from None
        return pa.RecordBatchReader.from_batches(reader.schema, self._batches(reader, query))

    def _batches(self, reader: pa.RecordBatchReader, query: Statement) -> Iterator[pa.RecordBatch]:
        try:
            yield from gathered(reader)
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            raise self._failure(error, query) from None
        except RuntimeError as error:
            raise _interruption(error) from None

    def _located(
        self, error: duckdb.Error, query: Statement, values: Mapping[str, Value] | None
    ) -> duckdb.Error:
        """`error` with its place: a relation's binder errors have lost it, `execute` keeps it."""
        if isinstance(error, duckdb.ProgrammingError):
            try:
                self._connection.execute(query.sql, dict(values or {}))
            except duckdb.Error as located:
                return located
        return error

    def _failure(self, error: Exception, query: Statement) -> QueryError:
        for path in self._files:
            if not path.exists():
                changed = f"part {path} is gone: the dataset was compacted or changed meanwhile."
                return QueryError(f"{query.origin}: {changed} Run it again.")
        return statement.failure(error, query.sql, query.origin)

    def close(self) -> None:
        """End the session and free its temporary space."""
        self._connection.close()
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_values(query: Statement, values: Mapping[str, Value]) -> None:
    if missing := sorted(query.parameters - values.keys()):
        name = missing[0]
        raise BadParameter(f"{query.origin}: ${name} has no value: give it one, as in --param {name}=VALUE.")
    if unused := sorted(values.keys() - query.parameters):
        raise BadParameter(f"{query.origin}: there is no ${unused[0]} in it, and a value is given for it.")


def _interruption(error: RuntimeError) -> BaseException:
    """What DuckDB makes of Ctrl-C is a RuntimeError; others stay what they are."""
    return KeyboardInterrupt() if "interrupted" in str(error).lower() else error


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _hidden(text: str) -> str:
    """SQL that tells whether there is a text, and whether it is empty, and no more."""
    return f"case when {text} = '' then '' when {text} is not null then '{HIDDEN}' end"


_LABEL: Final = f"if(regexp_full_match(error_type, '[!-~]*'), error_type, '{HIDDEN}') as error_type"
_CALL: Final = f"""{{
    'index': call.index, 'id': call.id, 'name': call.name, 'arguments': {_hidden("call.arguments")}
}}"""
_WITHOUT_CONTENT: Final = {
    "chunks": ", ".join(
        [
            *(f"{_hidden(name)} as {name}" for name in ("content", "refusal", "reasoning", "error_message")),
            f"list_transform(tool_calls, lambda call: {_CALL}) as tool_calls",
            "null::varchar as logprobs, null::varchar as extra",
            _LABEL,
        ]
    ),
    "streams": f"{_hidden('error_message')} as error_message, {_LABEL}, split_part(url, '?', 1) as url",
    "rejects": "null::blob as sample",
}
"""Replacements in the tables of a session that must not show what people wrote."""

_AS_BIGINT: Final = frozenset({"HUGEINT", "UHUGEINT"})
_AS_TEXT: Final = ("INTERVAL", "ENUM", "BIT", "UNION", "VARIANT", "GEOMETRY", "TIME WITH TIME ZONE")


def _plain(relation: duckdb.DuckDBPyRelation) -> str:
    """A projection of `relation` to types and names that every output can hold."""
    names: list[str] = []
    columns = []
    for position, (column, type_) in enumerate(
        zip(relation.columns, map(str, relation.types), strict=True), 1
    ):
        name, repeats = column, 0
        while name in names:
            repeats += 1
            name = f"{column}_{repeats}"
        names.append(name)
        target = "bigint" if type_ in _AS_BIGINT else "varchar" if type_.startswith(_AS_TEXT) else None
        value = f"cast(#{position} as {target})" if target else f"#{position}"
        columns.append(f"{value} as {_identifier(name)}")
    return ", ".join(columns)
