"""Compaction: the same rows in few parts, the same things covered, and nothing else in the folders."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

import ssetl
from reading import DONE, role
from ssetl import dataset as dataset_module
from ssetl import parts, plan
from ssetl.compaction import compact
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.errors import DatasetDamaged
from ssetl.plan import Plan
from standin import Folder

CAPTURES = Path(__file__).parent.parent / "data" / "captures"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Each shipped capture in a part of its own, one of them twice, one with its texts dropped."""
    lake = tmp_path / "lake"
    (tmp_path / "copy.sse").write_bytes((CAPTURES / "completions.sse").read_bytes())
    for path in sorted(CAPTURES.glob("*.*")):
        ssetl.ingest(path, dataset=lake, content="drop" if path.stem == "reasoning" else "keep")
    ssetl.ingest(tmp_path / "copy.sse", dataset=lake)
    return lake


def rows(lake: Path, table: str) -> list[str]:
    with ssetl.open(lake) as opened:
        return sorted(map(repr, opened.sql(f"select * from {table}").rows()))


def test_rows_stay_as_they_are_and_nothing_is_read_again(lake: Path) -> None:
    before = {table: rows(lake, table) for table in TABLE_ORDER}
    parts = len(Dataset.open(lake).visible_parts())
    done = compact(lake)
    # One part for each way of ingesting: texts that were dropped stay apart from those that were kept.
    assert (done.parts_before, done.parts_after) == (parts, 2)
    assert done.bytes_after < done.bytes_before
    assert {table: rows(lake, table) for table in TABLE_ORDER} == before
    with ssetl.open(lake) as opened:
        assert not any(found.violations.num_rows for found in opened.check())
    again = ssetl.ingest([CAPTURES / "*.*", lake.parent / "copy.sse"], dataset=lake)
    assert (again.captures, again.unchanged) == (0, parts)
    assert compact(lake).parts_before == 2


def test_a_plain_glob_is_right_again_whatever_was_replaced(lake: Path, tmp_path: Path) -> None:
    growing = tmp_path / "growing.sse"
    whole = (CAPTURES / "interleaved.sse").read_bytes() + b"\n"
    for end in (1500, len(whole)):
        growing.write_bytes(whole[:end])
        ssetl.ingest(growing, dataset=lake)
    compact(lake)
    for table in TABLE_ORDER:
        [[plain]] = duckdb.sql(f"select count(*) from '{lake}/{table}/*.parquet'").fetchall()
        assert plain == len(rows(lake, table))


def test_streams_are_sorted_by_time_and_captures_with_them(lake: Path) -> None:
    compact(lake)
    name = max(
        Dataset.open(lake).visible_parts(),
        key=lambda part: pq.read_metadata(lake / "streams" / f"{part}.parquet").num_rows,
    )
    streams = pq.read_table(lake / "streams" / f"{name}.parquet")
    starts = [start for start in streams["started_at"].to_pylist() if start]
    assert starts == sorted(starts)
    first: dict[str, object] = {}
    for row in streams.select(["capture_id", "started_at"]).to_pylist():
        first.setdefault(row["capture_id"], row["started_at"])
    captures = pq.read_table(lake / "captures" / f"{name}.parquet")["capture_id"].to_pylist()
    timed = [first[capture] for capture in captures if first.get(capture)]
    assert timed == sorted(timed)


def test_parts_of_a_good_size_are_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for name, size in (("a", 30), ("b", 90), ("c", 40), ("d", 40), ("e", 20)):
        folder.put(name, f"{name}\n" * (size // 2))
        folder.ingest()
    before = folder.lines
    assert compact(folder.lake, part_bytes=100).parts_after == 3
    sizes = [
        sorted(capture.bytes for capture in part.captures)
        for part in plan.live_parts(Dataset.open(folder.lake).plans, Dataset.open(folder.lake).whole).values()
    ]
    assert sorted(sizes) == [[20, 40], [30, 40], [90]]
    assert folder.lines == before


def test_what_is_in_a_compacted_part_can_still_grow_move_and_be_rewritten(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    long = "".join(f"{n:064}\n" for n in range(200))
    folder.put("grows", "a1\nend\nb1\n")
    folder.put("rewritten", f"{long}old\n")
    folder.put("moved", "m1\nend2\n")
    for name in ("grows", "rewritten", "moved"):
        shutil.move(folder(name), tmp_path / name)
    for name in ("grows", "rewritten", "moved"):
        shutil.move(tmp_path / name, folder(name))
        folder.ingest()
    assert compact(folder.lake).parts_after == 1
    folder.append("grows", "b2\nend3\n")
    folder.put("rewritten", f"{long}new\n")
    folder("moved").rename(folder("elsewhere"))
    folder.ingest()
    assert set(folder.lines.split()) - set(long.split()) == {
        *("a1", "b1", "b2", "end", "end2", "end3", "m1", "new")
    }
    assert len(folder.lines.split()) == 208
    assert folder.ingest().plans == ()


def test_an_ingest_that_began_before_goes_on_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has read the plans; then parts are replaced and removed; then it looks for what it read of them."""
    growing, other = tmp_path / "growing.sse", tmp_path / "other.sse"
    whole = (CAPTURES / "interleaved.sse").read_bytes()
    growing.write_bytes(whole[:1500])
    other.write_bytes((CAPTURES / "timed.sse").read_bytes())
    lake = tmp_path / "lake"
    for path in (growing, other):
        ssetl.ingest(path, dataset=lake)
    growing.write_bytes(whole)
    visible = Dataset.visible_parts

    def compacted_meanwhile(opened: Dataset) -> list[str]:
        monkeypatch.setattr(Dataset, "visible_parts", visible)
        found = opened.visible_parts()
        compact(lake)
        return found

    monkeypatch.setattr(Dataset, "visible_parts", compacted_meanwhile)
    summary = ssetl.ingest([growing, other], dataset=lake)
    assert (summary.unreadable, summary.unchanged) == ((), 1)
    ssetl.ingest(CAPTURES / "interleaved.sse", dataset=tmp_path / "undisturbed")
    facts = "select response_id, events, outcome from streams where capture_id in"
    captures = f"(select capture_id from captures where path like '%{growing.name}')"
    with ssetl.open(lake) as found, ssetl.open(tmp_path / "undisturbed") as expected:
        undisturbed = expected.sql(f"{facts} (select capture_id from captures) order by all")
        assert found.sql(f"{facts} {captures} order by all").equals(undisturbed)


def test_a_reader_that_was_opened_before_says_that_files_are_gone(lake: Path) -> None:
    with ssetl.open(lake) as opened:
        opened.sql("select 1")
        compact(lake)
        with pytest.raises(ssetl.QueryError, match=r"is gone: the dataset was compacted.* Run it again"):
            opened.sql("select sum(events) from streams")
    with ssetl.open(lake) as opened:
        assert opened.sql("select sum(events) from streams").item() > 0


def test_a_reader_that_was_opened_before_and_reads_only_now_sees_what_is_there(lake: Path) -> None:
    with ssetl.open(lake) as opened, ssetl.open(lake) as checked:
        compact(lake)
        assert opened.sql("select sum(events) from streams").item() > 0
        assert [found.name for found in checked.check() if found.violations.num_rows] == []


def test_the_plans_become_one_and_nobody_who_is_late_writes_over_them(lake: Path) -> None:
    late = Dataset.open(lake)
    compact(lake)
    opened = Dataset.open(lake)
    assert [path.name for path in (lake / "_plan").iterdir()] == [f"snapshot-{opened.number:08d}.json"]
    assert not late.publish(Plan(late.number + 1, plan.instant(0), "test"))
    assert Dataset.open(lake) == opened
    assert opened.publish(Plan(opened.number + 1, plan.instant(0), "test"))


def test_plans_that_are_condensed_while_they_are_listed_are_found(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Dataset.open(lake)
    listing: Callable[[Path, str], list[str]] = dataset_module._stems

    def stale(folder: Path, suffix: str) -> list[str]:
        stems = listing(folder, suffix)
        if suffix == ".json":
            monkeypatch.setattr(dataset_module, "_stems", listing)
            before.condense()
        return stems

    monkeypatch.setattr(dataset_module, "_stems", stale)
    assert Dataset.open(lake).visible_parts() == before.visible_parts()


def test_a_dataset_that_is_just_being_created_has_nothing_to_compact(tmp_path: Path) -> None:
    (tmp_path / "_plan").mkdir()
    assert compact(tmp_path).parts_before == 0


def test_a_part_that_cannot_be_made_is_named(lake: Path) -> None:
    dataset = Dataset.open(lake)
    (lake / "chunks" / f"{dataset.visible_parts()[0]}.parquet").unlink()
    with pytest.raises(DatasetDamaged, match="`ssetl check` names what"):
        compact(lake)


def test_a_slow_writer_does_not_bring_back_what_was_compacted_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    lake = tmp_path / "lake"
    (folder / "a.sse").write_bytes(role("a") + DONE)
    commit = parts.PartWriter.commit

    def late(writer: parts.PartWriter) -> None:
        monkeypatch.setattr(parts.PartWriter, "commit", commit)
        ssetl.ingest(folder, dataset=lake)
        (folder / "b.sse").write_bytes(role("b") + DONE)
        ssetl.ingest(folder, dataset=lake)
        compact(lake)
        commit(writer)

    monkeypatch.setattr(parts.PartWriter, "commit", late)
    ssetl.ingest(folder, dataset=lake)
    visible = Dataset.open(lake).visible_parts()
    for table in TABLE_ORDER:
        assert [path.stem for path in (lake / table).iterdir()] == visible
