"""Leftovers: what is no part of a dataset is found and removed, and nothing else."""

import io
from pathlib import Path

import pytest

from ssetl import files, leftovers, plan, planner
from ssetl.captures import sources
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.ingestion import ingest
from ssetl.parts import PartWriter
from ssetl.plan import Plan
from ssetl.schema import CHUNKS

CAPTURES = Path(__file__).parent.parent / "data" / "captures"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    ingest([CAPTURES / "plain.txt"], dataset=tmp_path / "lake")
    ingest([CAPTURES / "timed.sse"], dataset=tmp_path / "lake")
    return tmp_path / "lake"


def found(lake: Path) -> dict[str, str]:
    return {str(each.path.relative_to(lake)): each.reason for each in leftovers.find(lake)}


def test_a_dataset_has_none(lake: Path) -> None:
    assert found(lake) == {}


def test_all_that_no_plan_covers_is_found_and_removed(lake: Path) -> None:
    (lake / "chunks" / ".00000003-0000.parquet.0a.tmp").write_bytes(b"half")
    (lake / "_plan" / ".00000004.json.0b.tmp").write_bytes(b"")
    (lake / ".key.0c.tmp").write_bytes(b"")
    (lake / "streams" / "00000009-0000.parquet").write_bytes(b"x")
    (lake / "streams" / "mine.parquet").write_bytes(b"x")
    (lake / "streams" / "notes.txt").write_text("x")
    dataset = Dataset.open(lake)
    dataset.publish(Plan(3, plan.instant(0), "test", replaces=("00000001-0000",)))
    assert found(lake) == {
        ".key.0c.tmp": leftovers.ABANDONED,
        "_plan/.00000004.json.0b.tmp": leftovers.ABANDONED,
        "chunks/.00000003-0000.parquet.0a.tmp": leftovers.ABANDONED,
        "streams/00000009-0000.parquet": leftovers.UNPLANNED,
        "streams/mine.parquet": leftovers.FOREIGN,
        **{f"{table}/00000001-0000.parquet": leftovers.REPLACED for table in TABLE_ORDER},
    }
    removed = leftovers.remove(leftovers.find(lake))
    assert len(removed) == 8
    assert found(lake) == {"streams/mine.parquet": leftovers.FOREIGN}
    assert leftovers.remove(leftovers.find(lake)) == []
    assert (lake / "streams" / "notes.txt").exists()
    assert Dataset.open(lake).visible_parts() == ["00000002-0000"]


def test_what_is_being_written_is_none(lake: Path) -> None:
    temporary = files.temporary_name(lake / "chunks" / "x.parquet")
    with files.held(temporary):
        assert found(lake) == {}
        assert leftovers.remove([leftovers.Leftover(temporary, 0, leftovers.ABANDONED)]) == []
        assert temporary.exists()
    dataset = Dataset.open(lake)
    with PartWriter(dataset, "00000003-0000") as writer:
        writer._tables["chunks"]._open(CHUNKS)
        assert found(lake) == {}


def test_a_temporary_file_that_was_taken_for_abandoned_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = files.fcntl.flock, list[int]()

    def late(descriptor: int, operation: int) -> None:
        if operation == files.fcntl.LOCK_EX and not taken:
            taken.append(descriptor)
            assert files.remove_abandoned(tmp_path / "x.tmp")
        lock(descriptor, operation)

    monkeypatch.setattr(files.fcntl, "flock", late)
    with files.held(tmp_path / "x.tmp"):
        assert (tmp_path / "x.tmp").exists()
        assert not files.is_abandoned(tmp_path / "x.tmp")
    assert list(tmp_path.iterdir()) == []


def test_a_pending_part_is_none_but_a_void_one_is(lake: Path, tmp_path: Path) -> None:
    (tmp_path / "new.sse").write_bytes((CAPTURES / "error.sse").read_bytes())
    dataset = Dataset.open(lake)
    [planned] = planner.make(dataset, sources.find([tmp_path / "new.sse"]).sources, now_us=1).plans
    dataset.publish(planned)
    (lake / "chunks" / "00000003-0000.parquet").write_bytes(b"x")
    assert found(lake) == {}
    dataset = Dataset.open(lake)
    dataset.publish(planner.void(dataset, "00000003-0000", now_us=1))
    assert found(lake) == {}
    Dataset.open(lake).settled()
    assert found(lake) == {"chunks/00000003-0000.parquet": leftovers.VOID}
    leftovers.remove(leftovers.find(lake))
    # The mark stays: without it, a slow writer might still make the part whole.
    assert (lake / "captures" / "00000003-0000.parquet").exists()


def test_standard_input_is_one_once_it_is_ingested(lake: Path) -> None:
    waiting = sources.spool(io.BytesIO(b"data: {}\n\n"), lake)
    assert found(lake) == {}
    ingest([CAPTURES / "plain.txt"], dataset=lake)
    Path(waiting.path).write_bytes(b"data: {}\n\n")
    assert found(lake) == {str(Path(waiting.path).relative_to(lake)): leftovers.INGESTED}


def test_a_slow_writer_does_not_bring_back_a_part_that_was_replaced_and_removed(lake: Path) -> None:
    slow = Dataset.open(lake)
    slow.publish(Plan(3, plan.instant(0), "test", replaces=("00000001-0000",)))
    leftovers.remove(leftovers.find(lake))
    with PartWriter(slow, "00000001-0000") as writer:
        writer.commit()
    assert found(lake) == {}
    assert not (lake / "captures" / "00000001-0000.parquet").exists()
