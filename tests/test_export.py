import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import ssetl
from ssetl.errors import BadParameter, ExportError, QueryError, UnknownReport
from ssetl.export import export, write_file

SUMMARIES = {"errors", "fingerprints", "finish_reasons", "latency", "overview", "service_tiers", "tokens"}


def exported(dataset: Path, folder: Path, *names: str, form: str = "csv", **parameters: str) -> list[Path]:
    with ssetl.open(dataset) as lake:
        return list(export(lake, names, folder, form, parameters=parameters))


def test_without_names_all_summaries_are_written(dataset: Path, tmp_path: Path) -> None:
    paths = exported(dataset, tmp_path / "new" / "out")
    assert {path.stem for path in paths} >= SUMMARIES
    assert not {path.stem for path in paths} & {"captures", "streams", "chunks", "rejects"}
    assert sorted(paths) == sorted((tmp_path / "new" / "out").iterdir())
    for path in paths:
        assert path.suffix == ".csv"
        header, *rows = csv.reader(io.StringIO(path.read_text(), newline=""))
        assert rows or path.stem not in SUMMARIES
        assert {len(row) for row in rows} <= {len(header)}


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("csv", ".csv"),
        ("json", ".json"),
        ("jsonl", ".jsonl"),
        ("markdown", ".md"),
        ("parquet", ".parquet"),
        ("xlsx", ".xlsx"),
    ],
)
def test_formats(dataset: Path, tmp_path: Path, form: str, suffix: str) -> None:
    assert exported(dataset, tmp_path, "latency", form=form) == [tmp_path / f"latency{suffix}"]


def test_tables_are_whole(dataset: Path, tmp_path: Path) -> None:
    exported(dataset, tmp_path, "chunks", "streams", form="parquet")
    with ssetl.open(dataset) as lake:
        for table in ("chunks", "streams"):
            stored = lake.scan(table).collect().to_arrow()
            assert pq.read_table(tmp_path / f"{table}.parquet").num_rows == stored.num_rows
            assert pq.read_schema(tmp_path / f"{table}.parquet").names == stored.schema.names


def test_rows_come_in_the_order_of_the_parts(given: Callable[..., Path], tmp_path: Path) -> None:
    rows = [{"stream_id": f"{n:04}"} for n in range(1000)]
    path = given(parts=4, streams=rows)
    exported(path, tmp_path, "streams", form="jsonl")
    found = [json.loads(line)["stream_id"] for line in (tmp_path / "streams.jsonl").read_text().splitlines()]
    assert found == [row["stream_id"] for part in range(4) for row in rows[part::4]]


def test_parameters_go_to_reports_and_not_to_tables(dataset: Path, tmp_path: Path) -> None:
    exported(dataset, tmp_path, "latency", form="json", model="gpt-3.5-turbo-instruct")
    models = {row["response_model"] for row in json.loads((tmp_path / "latency.json").read_text())}
    assert models == {"gpt-3.5-turbo-instruct"}
    with pytest.raises(BadParameter, match="table streams is exported whole; only reports take model"):
        exported(dataset, tmp_path, "streams", model="x")


def test_an_unknown_name_writes_nothing(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownReport, match="no report is named 'chunk'"):
        exported(dataset, tmp_path / "out", "chunk")
    assert not (tmp_path / "out").exists()


def test_a_failure_midway_leaves_the_older_file(given: Callable[..., Path], tmp_path: Path) -> None:
    queries = tmp_path / "queries"
    queries.mkdir()
    (queries / "late.sql").write_text(
        "-- name: late\n-- description: Fails late.\n-- grain: one row\n"
        "select case when range < 500000 then 1 else error('too far') end as n from range(1000000)"
    )
    out = tmp_path / "out"
    out.mkdir()
    (out / "late.csv").write_text("older\n")
    with ssetl.open(given(), queries=[queries]) as lake, pytest.raises(QueryError, match="too far"):
        list(export(lake, ["late"], out, "csv", parameters={}))
    assert [path.name for path in out.iterdir()] == ["late.csv"]
    assert (out / "late.csv").read_text() == "older\n"


def test_what_the_file_system_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"cannot write .*/file/x.csv: .*Nothing was changed there"):
        write_file(tmp_path / "file" / "x.csv", lambda out: None)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ExportError, match="Is a directory"):
        write_file(tmp_path / "folder.csv", lambda out: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]
