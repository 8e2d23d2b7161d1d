"""The benchmark at minuscule scale: ssetl and DuckDB find the same in its captures."""

import sys
from pathlib import Path

import pytest

import ssetl
from ssetl.fast import many

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import generate
import run
from peers import duckdb_sql

STREAMS = 6
EVENTS = 300


@pytest.fixture(params=generate.SHAPES)
def captures(request, monkeypatch, tmp_path):
    monkeypatch.setattr(generate, "STREAMS", STREAMS)
    monkeypatch.setattr(generate, "EVENTS", EVENTS)
    folder = tmp_path / "captures"
    generate.write(request.param, folder, scale=2)
    return request.param, folder


def test_duckdb_gives_as_many_rows_and_as_much_text_as_ssetl(captures, tmp_path):
    shape, folder = captures
    summary = ssetl.ingest(folder, dataset=tmp_path / "lake")
    duckdb_sql.main(shape, str(tmp_path), str(folder))

    assert (summary.streams, summary.events, summary.rejects) == (2 * STREAMS, 2 * EVENTS, 0)
    assert run.written("duckdb", tmp_path) == run.written(run.SSETL, tmp_path / "lake")
    assert run.written("duckdb", tmp_path)[0] == 2 * EVENTS


@pytest.mark.parametrize("files", [1, 6])
@pytest.mark.parametrize("manner", generate.MANNERS)
def test_however_streams_are_written_they_are_the_same(manner, files, monkeypatch, tmp_path):
    monkeypatch.setattr(generate, "STREAMS", STREAMS)
    monkeypatch.setattr(generate, "EVENTS", EVENTS)
    monkeypatch.setattr(many, "LEAST", 0)
    generate.write("plain", tmp_path / "captures", files=files, manner=manner)
    summary = ssetl.ingest(tmp_path / "captures", dataset=tmp_path / "lake")
    assert (summary.streams, summary.events, summary.rejects) == (STREAMS, EVENTS, 0)


def test_a_command_that_fails_is_no_result():
    with pytest.raises(SystemExit, match="no such"):
        run.measure([sys.executable, "-c", "raise SystemExit('no such thing')"])
