"""Ingest, end to end: sources in, rows of a dataset out."""

import bz2
import gzip
import io
import lzma
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

import ssetl
from ssetl import schema

CAPTURES = Path(__file__).parent.parent / "data" / "captures"
SAMPLE = CAPTURES / "plain.txt"


def rows(dataset: Path, table: str) -> list[dict[str, Any]]:
    with ssetl.open(dataset) as lake:
        return lake.scan(table).collect().to_dicts()


def one_stream(dataset: Path) -> dict[str, Any]:
    [stream] = rows(dataset, "streams")
    return stream


def test_a_bare_capture_gives_what_it_holds_and_nulls_for_what_it_does_not(tmp_path: Path) -> None:
    summary = ssetl.ingest([SAMPLE], dataset=tmp_path / "lake")
    assert (summary.captures, summary.streams, summary.events, summary.chunks, summary.rejects) == (
        1,
        1,
        10,
        10,
        0,
    )
    stream = one_stream(tmp_path / "lake")
    assert stream["finish_reasons"] == ["stop"]
    assert stream["outcome"] == "completed"
    assert stream["has_terminator"] is False
    assert (stream["input_tokens"], stream["output_tokens"], stream["total_tokens"]) == (9, 8, 17)
    assert stream["clock"] == "none"
    assert stream["latency_reason"] == "no_arrival_times"
    durations = [name for name in stream if name.endswith("_us")]
    assert len(durations) == 10
    assert all(stream[name] is None for name in durations)
    chunks = rows(tmp_path / "lake", "chunks")
    assert "".join(chunk["content"] or "" for chunk in chunks) == "The tide comes in twice a day."
    assert sum(chunk["choice_index"] is not None for chunk in chunks) == 9


def test_every_byte_of_every_shipped_capture_is_accounted_for(tmp_path: Path) -> None:
    ssetl.ingest([CAPTURES], dataset=tmp_path)
    for capture in rows(tmp_path, "captures"):
        kinds = [capture[f"{kind}_bytes"] for kind in schema.BYTE_KINDS]
        assert sum(kinds) == capture["body_bytes"], capture["path"]


def test_a_second_ingest_reads_nothing_and_says_so(tmp_path: Path) -> None:
    first = ssetl.ingest([CAPTURES], dataset=tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*.*"))
    again = ssetl.ingest([CAPTURES], dataset=tmp_path)
    assert (again.captures, again.bytes, again.parts) == (0, 0, 0)
    assert again.unchanged == first.captures
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == before


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("compression", PACKERS)
def test_compression_is_known_by_bytes_and_changes_no_row(tmp_path: Path, compression: str) -> None:
    packed = tmp_path / "in" / "capture.log"
    packed.parent.mkdir()
    packed.write_bytes(PACKERS[compression](SAMPLE.read_bytes()))
    ssetl.ingest([packed], dataset=tmp_path / "a")
    ssetl.ingest([SAMPLE], dataset=tmp_path / "b")
    assert rows(tmp_path / "a", "streams") == rows(tmp_path / "b", "streams")
    assert rows(tmp_path / "a", "chunks") == rows(tmp_path / "b", "chunks")
    [capture] = rows(tmp_path / "a", "captures")
    assert capture["compression"] == compression


def test_the_same_bytes_under_two_names_are_counted_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(SAMPLE, tmp_path / "in" / "a.sse")
    (tmp_path / "in" / "b.gz").write_bytes(gzip.compress(SAMPLE.read_bytes()))
    summary = ssetl.ingest([tmp_path / "in"], dataset=tmp_path / "lake")
    assert (summary.captures, summary.copies, summary.streams) == (2, 1, 1)
    original, copy = sorted(rows(tmp_path / "lake", "captures"), key=lambda capture: capture["path"])
    assert copy["copy_of"] == original["capture_id"]
    assert copy["events"] is None
    assert len(rows(tmp_path / "lake", "streams")) == 1


def test_equal_failures_are_different_failures(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        (tmp_path / "in" / name).write_text('{"error":{"message":"busy","type":"overloaded_error"}}\n')
    ssetl.ingest([tmp_path / "in"], dataset=tmp_path / "lake")
    streams = rows(tmp_path / "lake", "streams")
    assert [stream["outcome"] for stream in streams] == ["errored", "errored"]
    assert len({stream["stream_id"] for stream in streams}) == 2


def test_what_precedes_the_end_of_a_truncated_gzip_is_kept(tmp_path: Path) -> None:
    packed = gzip.compress(SAMPLE.read_bytes() * 50, 1)
    damaged = tmp_path / "capture.gz"
    damaged.write_bytes(packed[: len(packed) * 3 // 4])
    summary = ssetl.ingest([damaged], dataset=tmp_path / "lake")
    assert summary.damaged == (str(damaged),)
    assert summary.events > 10
    reasons = {reject["reason"] for reject in rows(tmp_path / "lake", "rejects")}
    assert "truncated_gzip" in reasons


def test_standard_input_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(SAMPLE.read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    summary = ssetl.ingest(["-"], dataset=tmp_path)
    assert summary.streams == 1
    assert one_stream(tmp_path)["output_tokens"] == 8


def test_files_carry_schema_version_and_column_descriptions(tmp_path: Path) -> None:
    ssetl.ingest([SAMPLE], dataset=tmp_path)
    for table in schema.TABLES:
        [path] = (tmp_path / table).glob("*.parquet")
        metadata = pq.read_metadata(path).metadata
        assert metadata is not None
        assert metadata[b"ssetl.schema_version"] == b"1"
        assert pq.read_schema(path).names == schema.TABLES[table].names
    assert pl.read_parquet(tmp_path / "chunks" / "*.parquet").height == 10


def test_the_same_bytes_give_the_same_ids_anywhere(tmp_path: Path) -> None:
    shutil.copy(SAMPLE, tmp_path / "elsewhere.txt")
    ssetl.ingest([SAMPLE], dataset=tmp_path / "a")
    ssetl.ingest([tmp_path / "elsewhere.txt"], dataset=tmp_path / "b")
    assert one_stream(tmp_path / "a") == one_stream(tmp_path / "b")


def test_of_a_file_that_is_still_written_only_what_is_closed_is_read(tmp_path: Path) -> None:
    growing = tmp_path / "gateway.log"
    closed = (CAPTURES / "two-choices.sse").read_text()
    growing.write_text(closed + (CAPTURES / "cut-short.sse").read_text())
    first = ssetl.ingest([growing], dataset=tmp_path / "lake", settle=3600)
    assert (first.streams, first.waiting) == (1, (str(growing),))
    [capture] = rows(tmp_path / "lake", "captures")
    assert capture["bytes"] == len(closed.rstrip()) + 1  # the blank line behind it may wait
    then = ssetl.ingest([growing], dataset=tmp_path / "lake")
    assert then.streams == 1
    outcomes = sorted(stream["outcome"] for stream in rows(tmp_path / "lake", "streams"))
    assert outcomes == ["completed", "truncated"]


def test_a_stream_that_the_end_of_a_growing_file_cut_is_one_stream(tmp_path: Path) -> None:
    growing = tmp_path / "gateway.log"
    whole = (CAPTURES / "interleaved.sse").read_bytes()
    for end in (1500, 3000, len(whole)):
        growing.write_bytes(whole[:end])
        ssetl.ingest([growing], dataset=tmp_path / "lake")
    ssetl.ingest([CAPTURES / "interleaved.sse"], dataset=tmp_path / "undisturbed")
    found, expected = (rows(tmp_path / name, "streams") for name in ("lake", "undisturbed"))
    facts = ("response_id", "events", "outcome", "output_tokens", "finish_reasons")
    assert [[s[fact] for fact in facts] for s in found] == [[s[fact] for fact in facts] for s in expected]
