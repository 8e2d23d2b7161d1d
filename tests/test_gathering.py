"""Gathering: a part made of the rows of others, in the order of its captures, without what it leaves out."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssetl import gathering, parts, plan
from ssetl.dataset import Dataset
from ssetl.errors import DatasetDamaged
from ssetl.gathering import gather
from ssetl.parts import PartWriter
from ssetl.plan import Part, Plan, PlannedCapture, part_name
from ssetl.schema import TABLES

NAME = part_name(2, 0)
SOURCES = (part_name(1, 0), part_name(1, 1))


def planned(id_: str, **flags: bool) -> PlannedCapture:
    return PlannedCapture("/x", "1:1", 5, 1, "none", 0, 5, id_, "", "", 0, id_, **flags)


def at(minute: int) -> dt.datetime:
    return dt.datetime(2026, 3, 2, 12, minute, tzinfo=dt.UTC)


def rows_of(capture: str, start: int | None, chunks: int = 4) -> dict[str, list[dict[str, Any]]]:
    """A capture with two streams of `chunks` events each, and a reject; one stream starts at `start`."""
    starts = [None if start is None else at(start), at(50)]
    streams = [
        {
            "capture_id": capture,
            "stream_id": f"{capture}{n}",
            "ordinal": n,
            "events": chunks,
            "started_at": start,
        }
        for n, start in enumerate(starts)
    ]
    events = [
        {"capture_id": capture, "stream_id": f"{capture}{n}", "event_index": index, "content": f"{index}"}
        for n in range(2)
        for index in range(chunks)
    ]
    counts = {"streams": 2, "events": 2 * chunks, "chunks": 2 * chunks, "rejects": 1}
    return {
        "rejects": [{"capture_id": capture, "byte_offset": 7}],
        "chunks": events,
        "streams": streams,
        "captures": [{"capture_id": capture, "ingested_at": at(5), **counts}],
    }


def write(dataset: Dataset, name: str, *captures: dict[str, list[dict[str, Any]]]) -> None:
    with PartWriter(dataset, name) as writer:
        for rows in captures:
            for table, its in rows.items():
                writer.write(table, pa.Table.from_pylist(its, TABLES[table]))
        writer.commit()


def read(dataset: Dataset, table: str, column: str) -> list[Any]:
    return pq.read_table(dataset.file(table, NAME))[column].to_pylist()


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    dataset = Dataset.create(tmp_path / "lake")
    dataset.publish(Plan(1, plan.instant(0), "test", parts=tuple(Part(name, ()) for name in SOURCES)))
    write(dataset, SOURCES[0], rows_of("a", 30), rows_of("b", 20))
    write(dataset, SOURCES[1], rows_of("c", 10), rows_of("d", None))
    return Dataset.open(dataset.path)


def gathered(dataset: Dataset, *captures: PlannedCapture, **members: Any) -> None:
    part = Part(NAME, captures, gathers=SOURCES, **members)
    assert dataset.publish(Plan(2, plan.instant(0), "test", parts=(part,), replaces=SOURCES))
    gather(dataset, part)


def test_rows_come_in_the_order_of_the_captures_and_streams_by_their_start(dataset: Dataset) -> None:
    gathered(dataset, *map(planned, "dcba"))
    assert read(dataset, "captures", "capture_id") == list("dcba")
    assert read(dataset, "rejects", "capture_id") == list("dcba")
    assert read(dataset, "chunks", "capture_id") == [name for name in "dcba" for _ in range(8)]
    starts = read(dataset, "streams", "started_at")
    assert starts == [at(10), at(20), at(30), *[at(50)] * 4, None]


def test_all_columns_stay_as_they_are(dataset: Dataset) -> None:
    gathered(dataset, *map(planned, "abcd"))
    for table in TABLES:
        before = pa.concat_tables([pq.read_table(dataset.file(table, name)) for name in SOURCES])
        after = pq.read_table(dataset.file(table, NAME))
        if table == "streams":
            before, after = (rows.sort_by("stream_id") for rows in (before, after))
        assert after.equals(before), table


def test_captures_that_are_not_wanted_or_forgotten_are_left(dataset: Dataset) -> None:
    gathered(dataset, planned("c"), planned("a", forgotten=True))
    for table in TABLES:
        assert set(read(dataset, table, "capture_id")) == {"c"}


def test_streams_are_left_out_by_id_and_no_longer_counted(dataset: Dataset) -> None:
    gathered(dataset, planned("a"), planned("c"), without=("a1",))
    assert read(dataset, "streams", "stream_id") == ["c0", "a0", "c1"]
    assert set(read(dataset, "chunks", "stream_id")) == {"c0", "a0", "c1"}
    counts = zip(
        *(read(dataset, "captures", name) for name in ("streams", "events", "chunks", "rejects")), strict=True
    )
    assert list(counts) == [(1, 4, 4, 1), (2, 8, 8, 1)]


def test_streams_are_left_out_by_time_which_is_that_of_the_ingest_if_unknown(dataset: Dataset) -> None:
    gathered(dataset, *map(planned, "acd"), since=at(11))
    assert read(dataset, "streams", "stream_id") == ["a0", "a1", "c1", "d1"]
    assert read(dataset, "captures", "streams") == [2, 1, 1]


def test_many_row_groups_in_any_order_give_the_same_rows(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 3)
    monkeypatch.setattr(gathering, "CACHED_BYTES", 1)
    monkeypatch.setattr(gathering, "MAX_SORTED", 1)
    write(dataset, part_name(9, 0), rows_of("e", 1, chunks=7), rows_of("f", 2, chunks=7))
    part = Part(NAME, (planned("f"), planned("a"), planned("e")), gathers=(part_name(9, 0), SOURCES[0]))
    gather(dataset, part)
    assert read(dataset, "chunks", "stream_id") == [
        *["f0"] * 7, *["f1"] * 7, *["a0"] * 4, *["a1"] * 4, *["e0"] * 7, *["e1"] * 7
    ]  # fmt: skip
    assert read(dataset, "chunks", "content") == [
        *"0123456",
        *"0123456",
        *"0123",
        *"0123",
        *"0123456",
        *"0123456",
    ]


def test_a_missing_file_is_named_with_a_remedy(dataset: Dataset) -> None:
    dataset.file("chunks", SOURCES[0]).unlink()
    with pytest.raises(DatasetDamaged, match=r"chunks/00000001-0000.*`ssetl repair`"):
        gathered(dataset, *map(planned, "ab"))


def test_a_part_that_another_process_has_finished_needs_its_sources_no_more(dataset: Dataset) -> None:
    gathered(dataset, *map(planned, "abcd"))
    for table in TABLES:
        dataset.file(table, SOURCES[0]).unlink()
    gather(dataset, Part(NAME, tuple(map(planned, "abcd")), gathers=SOURCES))
    assert read(dataset, "captures", "capture_id") == list("abcd")
