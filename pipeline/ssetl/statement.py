"""SQL before it runs: one statement, which only reads, and the place of an error in it.

DuckDB's own locks do not suffice: a COPY inside WITH counts as a SELECT and may overwrite any file that the
session may read. So the parsed statement is walked, and whatever is not known to be harmless is refused.
"""

import contextlib
import difflib
import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import duckdb
import msgspec

from ssetl.errors import QueryError
from ssetl.functions import FUNCTIONS, OPERATORS
from ssetl.parameters import is_utf8

QUERY_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
"""Kinds of query that only read; INSERT, UPDATE, DELETE, MERGE and COPY have nodes of their own."""

TABLE_FUNCTIONS: Final = frozenset(
    {"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "summary", "unnest"}
    | {"regexp_split_to_table", "generate_subscripts"}
)
"""Table functions that read their arguments and nothing else: no file, no setting, no pointer."""

SYSTEM_TABLES: Final = ("duckdb_", "pg_", "pragma_", "sqlite_")
"""How DuckDB's own tables begin; they tell of settings and paths."""

SCHEMAS: Final = frozenset({"main", "memory"})
"""Where the tables of the dataset are."""

CONFIG: Final[Mapping[str, str]] = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "errors_as_json": "true",  # only so do errors tell their place
    "python_enable_replacements": "false",  # else a table name may mean a variable of this process
}
"""How each of our DuckDB sessions starts."""


class Statement(msgspec.Struct, frozen=True):
    """One SELECT, as written.

    Args:
        sql: its text, comments included.
        parameters: names of the `$parameters` in it.
        origin: what errors call it: a file, or `SQL`.
    """

    sql: str
    parameters: frozenset[str]
    origin: str


@functools.cache
def parser() -> duckdb.DuckDBPyConnection:
    """A session in which statements are parsed where there is no dataset."""
    return duckdb.connect(config=dict(CONFIG))


def parse(connection: duckdb.DuckDBPyConnection, sql: str, origin: str) -> Statement:
    """`sql` as one statement that only reads.

    Raises:
        QueryError: it is no SQL, more or less than one statement, or may do more than read.
    """
    if not is_utf8(sql):
        raise QueryError(f"{origin}: expected UTF-8, and some of its bytes are none.")
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise failure(error, sql, origin) from None
    if not statements:
        raise QueryError(f"{origin}: expected one SELECT, found nothing.")
    if len(statements) > 1:
        raise QueryError(
            f"{origin}: expected one SELECT, found {len(statements)} statements. Run them one by one."
        )
    [statement] = statements
    if statement.type != duckdb.StatementType.SELECT:
        found = statement.type.name
        hint = " Name the values, as in PIVOT … ON x IN ('a', 'b')." if found == "MULTI" else ""
        raise QueryError(f"{origin}: expected a SELECT, found {found}. The dataset can only be read.{hint}")
    _check_reads_only(connection, sql, origin)
    return Statement(sql, frozenset(statement.named_parameters), origin)


def failure(error: Exception, sql: str, origin: str) -> QueryError:
    """DuckDB's `error` in our words: where it is, what is wrong, and what helps."""
    told = _told(error)
    place = f"{origin}:{line_of(sql, int(told['position']))}" if "position" in told else origin
    kind = told.get("exception_type")
    if kind == "Out of Memory":
        return QueryError(
            f"{place}: the query needs more memory or temporary space than it may take. {_LESS}"
        )
    if "Arrow Appender" in told["exception_message"]:
        found = "found rows whose texts in one column take more than 2 GiB together"
        return QueryError(f"{place}: {found}. Select less of each, as in substr(content, 1, 1000).")
    if kind == "Permission":
        return QueryError(f"{place}: a query can read the dataset and nothing else, no other file either.")
    if told.get("type") == "Table" and told.get("error_subtype") == "MISSING_ENTRY":
        tables = "Tables are captures, streams, chunks and rejects; views: SHOW TABLES."
        return QueryError(f"{place}: {explanation(error, lines=1)} {tables}")
    return QueryError(f"{place}: {explanation(error)}")


def explanation(error: Exception, *, lines: int = 4) -> str:
    """The first paragraph of what DuckDB says of an error, so many lines of it in one."""
    paragraph = str(_told(error)["exception_message"]).strip().split("\n\n")[0]
    return " ".join(line.strip() for line in paragraph.splitlines()[:lines])


def _told(error: Exception) -> dict[str, Any]:
    """The JSON object in an error's text, see `errors_as_json`; or just the text, if it holds none."""
    text = str(error)
    with contextlib.suppress(ValueError):
        told = json.loads(text.partition(": ")[2])
        if isinstance(told, dict):
            return told
    return {"exception_message": text}


def line_of(sql: str, position: int) -> int:
    """Line, from 1, of the byte at `position`."""
    return sql.encode()[:position].count(b"\n") + 1


_LESS: Final = "Narrow it with WHERE, select fewer columns, or aggregate more."


def _check_reads_only(connection: duckdb.DuckDBPyConnection, sql: str, origin: str) -> None:
    [(serialized,)] = connection.execute("select json_serialize_sql(?)", [sql]).fetchall()
    tree = json.loads(serialized)
    if tree["error"]:
        raise QueryError(f"{origin}: {tree['error_message']}")
    for node in _nodes(tree["statements"]):
        refused = _refused(node)
        if refused:
            line = line_of(sql, _position(node))
            raise QueryError(
                f"{origin}:{line}: {refused} is refused: a query can read the dataset and nothing else."
            )


def _refused(node: dict[str, Any]) -> str | None:
    """What of a parsed node may do more than read; None if nothing."""
    kind = node.get("type")
    if isinstance(kind, str) and kind.endswith("_NODE") and kind not in QUERY_NODES:
        return kind.split("_")[0]
    if kind == "TABLE_FUNCTION":
        name = str(node["function"]["function_name"]).lower()
        return None if name in TABLE_FUNCTIONS else f"{name}()"
    if kind == "BASE_TABLE":
        *schemas, name = (part.lower() for part in node["qualified_name"]["path"])
        return name if name.startswith(SYSTEM_TABLES) or not SCHEMAS.issuperset(schemas) else None
    if node.get("class") in ("FUNCTION", "WINDOW"):
        name = str(node["function_name"]).lower()
        return None if name in FUNCTIONS or name in OPERATORS else f"{name}(){_like(name)}"
    return None


def _like(name: str) -> str:
    """A hint for who has mistyped the name of a function."""
    alike = difflib.get_close_matches(name, FUNCTIONS, n=1, cutoff=0.8)
    return f" (did you mean {alike[0]}()?)" if alike else ""


def _position(node: dict[str, Any]) -> int:
    position = node.get("query_location", 0)
    return position if position < _NOWHERE else 0


_NOWHERE: Final = 1 << 63


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in `tree`; without recursion, for SQL may be nested deeply."""
    rest = [tree]
    while rest:
        value = rest.pop()
        if type(value) is dict:
            yield value
            rest.extend(value.values())
        elif type(value) is list:
            rest.extend(value)
