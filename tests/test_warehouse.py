import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from ssetl import functions, reports, schema, statement, warehouse
from ssetl.dataset import Dataset
from ssetl.errors import DatasetDamaged, QueryError
from ssetl.statement import Statement
from ssetl.warehouse import Warehouse


def opened(path: Path) -> Warehouse:
    return Warehouse(Dataset.open(path), views=reports.views())


def rows(store: Warehouse, sql: str, **values: object) -> list[dict[str, object]]:
    return store.select(store.parse(sql), values).read_all().to_pylist()


@pytest.fixture
def store(given: Callable[..., Path]) -> Iterator[Warehouse]:
    streams = [
        {"stream_id": f"s{n}", "events": n, "started_at": dt.datetime(2026, 3, n, tzinfo=dt.UTC)}
        for n in (1, 2)
    ]
    with opened(given(parts=2, streams=streams, rejects=[{"sample": b"\xff"}])) as opened_store:
        yield opened_store


def test_views_hold_the_rows_of_all_visible_parts(store: Warehouse) -> None:
    assert rows(store, "select stream_id, events from streams order by 1") == [
        {"stream_id": "s1", "events": 1},
        {"stream_id": "s2", "events": 2},
    ]


@pytest.mark.parametrize("table", schema.TABLES)
@pytest.mark.parametrize("parts", [0, 1])
def test_views_have_the_columns_and_types_of_the_schema(
    given: Callable[..., Path], table: str, parts: int
) -> None:
    with opened(given(parts=parts)) as empty:
        result = empty.select(empty.parse(f"select * from {table}")).read_all()
    assert result.num_rows == 0
    assert result.schema.names == schema.TABLES[table].names
    for found, field in zip(result.schema, schema.TABLES[table], strict=True):
        assert found.type.equals(field.type), field.name


def test_parameters_and_utc(store: Warehouse) -> None:
    sql = "select stream_id from streams where started_at >= $since or $since is null order by 1"
    assert len(rows(store, sql, since=None)) == 2
    assert rows(store, sql, since=dt.datetime(2026, 3, 2, tzinfo=dt.UTC)) == [{"stream_id": "s2"}]
    [row] = rows(
        store, "select cast(min(started_at) as varchar) as text, timestamptz '2026-01-01' as t from streams"
    )
    assert row == {"text": "2026-03-01 00:00:00+00", "t": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}


def test_types_that_others_do_not_know_leave_plainly(store: Warehouse) -> None:
    sql = "select sum(events) as n, interval 90 minute as i, 'x'::enum('x') as e, 1 as a, 2 as a from streams"
    assert rows(store, sql) == [{"n": 3, "i": "01:30:00", "e": "x", "a": 1, "a_1": 2}]


@pytest.mark.parametrize("folder", ["it's", "day=1", "a [b]*?", "köln", 'q"uote'])
def test_paths_of_any_name(given: Callable[..., Path], folder: str) -> None:
    path = given(folder, parts=2, streams=[{"stream_id": "s1"}, {"stream_id": "s2"}])
    with opened(path) as store:
        assert rows(store, "select count(*) as n from streams") == [{"n": 2}]
        assert rows(store, "select * from captures") == []


HARMLESS = [
    "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select max(i) from n",
    "select count(*) over (partition by api) from streams",
    "from streams select stream_id union all values ('x')",
    "select * from range(3), unnest([1, 2])",
    "select json_extract('{\"a\": 1}', '$.a'), list_transform([1], lambda x: x + 1)",
    "pivot streams on outcome in ('completed') using count(*)",
    "select extract(hour from started_at), started_at at time zone 'UTC' from streams",
    "select coalesce(api, ''), ifnull(api, '') from streams",
    "select [x + 1 for x in [1, 2]][1], {'a': 1}.a, map {'a': 1}['a']",
    "select trim(' a '), 'a' similar to 'a', 'a' glob 'a*'",
    "select grouping(api), count(*) filter (events > 1) from streams group by cube(api)",
    "select lag(events) over w, ntile(2) over w from streams window w as (order by events)",
    "select try(cast('x' as int)), substring('abc' from 2), position('b' in 'abc'), array[1]",
    "select 2 ** 3, 'a' ilike 'A', 5 !",
    "describe chunks",
    "show tables",
    "select * from main.streams, memory.main.chunks",
    "summarize streams",
    "select * from stream_latency -- a comment; with a semicolon\n;",
]


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_only_reads_is_allowed(store: Warehouse, sql: str) -> None:
    rows(store, sql)


ESCAPES = [
    "copy streams to '{out}'",
    "with x as (copy (select 1) to '{out}') select 1",
    "with x as (copy (select 1) to '{part}' (use_tmp_file false)) select 1",
    "select (with x as (copy (select 1) to '{part}' (use_tmp_file false)) select 1)",
    "select * from (with x as (copy (select 1) to '{part}' (format csv)) from x)",
    "with x as (insert into streams values (1) returning *) select * from x",
    "with x as (delete from streams returning *) select * from x",
    "with x as (update streams set api = 'x' returning *) select * from x",
    "insert into streams values (1)",
    "create table t as select 1",
    "create macro m() as 1",
    "drop view streams",
    "export database '{out}'",
    "attach '{out}' as other",
    "install httpfs",
    "load json",
    "set threads = 1",
    "reset threads",
    "pragma enable_profiling",
    "call pragma_version()",
    "checkpoint",
    "explain analyze select 1",
    "prepare p as select 1",
    "select 1; select 2",
    "select * from read_csv('{secret}')",
    "select * from read_text('{secret}')",
    "select * from read_blob('{secret}')",
    "select * from read_json('{secret}')",
    "select * from read_parquet('{secret}')",
    "select * from parquet_metadata('{part}')",
    "select * from sniff_csv('{secret}')",
    "select * from glob('{folder}/*')",
    "select * from '{secret}'",
    "select * from '{folder}/secret.csv'",
    "select * from 'https://example.com/x.csv'",
    "select * from main.read_text('{secret}')",
    "select * from duckdb_settings()",
    "select * from pg_settings",
    "select * from pg_catalog.pg_settings",
    "select * from memory.pg_catalog.PG_SETTINGS",
    "select * from duckdb_views",
    "select * from information_schema.views",
    "select * from duckdb_secrets()",
    "select * from duckdb_extensions()",
    "select * from query('select 1')",
    "select * from query_table('streams')",
    "select * from arrow_scan(1::pointer, 2::pointer, 3::pointer)",
    "select * from pandas_scan(1::pointer)",
    "select * from enable_logging()",
    "select * from json_execute_serialized_sql('x')",
    "select json_serialize_plan('select 1')",
    "select current_setting('temp_directory')",
    "select getenv('HOME')",
    "select getvariable('x')",
    "select write_log('x')",
    "select sleep_ms(1)",
    "select pg_sleep(1)",
    "select 'x'.getvariable()",
    "select list_transform([1], lambda x: sleep_ms(x))",
    "select events from streams order by sleep_ms(1)",
    "select current_schemas(true)",
    "select setval('x', 1)",
    "select version()",
    "select something_that_a_later_duckdb_brings()",
    "select * from store",
    "select * from given",
    "",
    "-- nothing",
    "selec 1",
]


@pytest.mark.parametrize("attempt", ESCAPES)
def test_there_is_no_way_out(given: Callable[..., Path], tmp_path: Path, attempt: str) -> None:
    path = given(streams=[{"stream_id": "s1"}])
    secret = tmp_path / "secret.csv"
    secret.write_text("hush,hush\n")
    part = Dataset.open(path).files("streams")[0]
    before = hashlib.sha256(part.read_bytes()).digest(), sorted(tmp_path.rglob("*"))
    sql = attempt.format(out=tmp_path / "out.csv", part=part, secret=secret, folder=tmp_path)
    with opened(path) as store:
        with pytest.raises(QueryError) as caught:
            rows(store, sql)
        assert "hush" not in str(caught.value)
    assert (hashlib.sha256(part.read_bytes()).digest(), sorted(tmp_path.rglob("*"))) == before


@pytest.mark.parametrize(
    "attempt",
    [
        "select * from read_text('{secret}')",
        "select * from '{secret}'",
        "select * from glob('{folder}/*')",
        "copy (select 1) to '{out}'",
        "set enable_external_access = true",
        "set lock_configuration = false",
    ],
)
def test_duckdb_itself_is_locked_too(given: Callable[..., Path], tmp_path: Path, attempt: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("hush,hush\n")
    sql = attempt.format(out=tmp_path / "out.csv", secret=secret, folder=tmp_path)
    with opened(given()) as store, pytest.raises(QueryError) as caught:
        store.select(Statement(sql, frozenset(), "SQL")).read_all()
    assert "hush" not in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_a_query_that_eats_memory_ends_with_a_message(
    given: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse, "MEMORY_LIMIT", "64MB")
    monkeypatch.setattr(warehouse, "TEMPORARY_LIMIT", "1MB")
    with opened(given()) as store, pytest.raises(QueryError, match="needs more memory or temporary space"):
        rows(store, "select string_agg(range::varchar, ',') as x from range(50000000)")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select\n  nope from streams", 'SQL:2: Referenced column "nope" not found'),
        ("select 'ä',\n\n nope from streams", 'SQL:3: Referenced column "nope" not found'),
        ("select * from nope", "SQL:1: Table with name nope does not exist! Tables are captures, streams"),
        ("select 1\nfrom streams\nwhere where", 'SQL:3: syntax error at or near "where"'),
        ("select cast('x' as int)", "SQL:1: Could not convert string 'x' to INT32"),
        ("select sum(range::hugeint << 62) from range(9)", "SQL:1: .*out of range"),
        ("select 1; select 2", "SQL: expected one SELECT, found 2 statements"),
        ("", "SQL: expected one SELECT, found nothing"),
        ("select '\udcff'", "SQL: expected UTF-8"),
        ("drop view streams", "SQL: expected a SELECT, found DROP"),
        ("pivot streams on outcome using count(*)", "SQL: expected a SELECT, found MULTI.*Name the values"),
        ("select 1,\n getvariable('x')", r"SQL:2: getvariable\(\) is refused"),
        ("with x as (\n copy (select 1) to 'x') select 1", "SQL:1: COPY is refused"),
    ],
)
def test_errors_name_the_place(store: Warehouse, sql: str, message: str) -> None:
    with pytest.raises(QueryError, match=f"^{message}"):
        rows(store, sql)


def test_an_error_midway_is_told_while_reading(store: Warehouse) -> None:
    sql = "select case when range < 500000 then 1 else error('too far') end as n from range(1000000)"
    batches = store.select(store.parse(sql))
    with pytest.raises(QueryError, match=r"^SQL: too far$"):
        batches.read_all()


def test_a_damaged_part_is_named(given: Callable[..., Path]) -> None:
    path = given()
    Dataset.open(path).files("streams")[0].write_bytes(b"PAR1 but no more")
    with pytest.raises(DatasetDamaged, match=r"00000001-0000\.parquet.* `ssetl check` names what"):
        opened(path)


def test_texts_of_more_than_arrow_holds_in_a_column() -> None:
    error = OSError(
        'Invalid Input Error: {"exception_type":"Invalid Input","exception_message":"Arrow Appender:'
        " The maximum total string size for regular string buffers is 2147483647\\n"
        '* SET arrow_large_buffer_size=true"}'
    )
    told = str(statement.failure(error, "select 1", "SQL"))
    assert told.startswith("SQL: found rows whose texts in one column take more than 2 GiB together. Select")


def test_a_part_that_vanishes_while_the_session_runs(given: Callable[..., Path]) -> None:
    path = given(streams=[{"stream_id": "s1"}])
    with opened(path) as store:
        Dataset.open(path).files("streams")[0].unlink()
        with pytest.raises(QueryError, match=r"part .*/00000001-0000\.parquet is gone: .* Run it again"):
            rows(store, "select * from streams")


def test_temporary_space_is_given_back(
    given: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    monkeypatch.setattr(warehouse, "MEMORY_LIMIT", "64MB")
    with opened(given()) as store:
        rows(
            store,
            "select count(*) as n from (select range from range(9000000) order by hash(range) limit 8999999)",
        )
        assert list(spill.iterdir())
    assert not list(spill.iterdir())


def test_each_function_that_is_allowed_exists() -> None:
    sql = "select distinct lower(function_name) from duckdb_functions()"
    known = {name for (name,) in duckdb.connect().execute(sql).fetchall()}
    assert known >= functions.FUNCTIONS | functions.OPERATORS


def test_a_mistyped_function_is_told() -> None:
    with pytest.raises(QueryError, match=r"SQL:1: counts\(\) \(did you mean count\(\)\?\) is refused"):
        statement.parse(statement.parser(), "select counts(1)", "SQL")
