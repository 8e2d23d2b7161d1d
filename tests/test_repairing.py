"""Repair: leftovers go, damaged parts are read again, whole ones are not touched."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ssetl
from ssetl import cli, files, integrity, repairing
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.ranges import SourceChanged
from ssetl.repairing import Repaired, repair

CAPTURES = Path(__file__).parent.parent / "data" / "captures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Captures of our own that may change."""
    (tmp_path / "in").mkdir()
    for path in CAPTURES.glob("*.*"):
        shutil.copy(path, tmp_path / "in")
    return tmp_path / "in"


@pytest.fixture
def lake(tmp_path: Path, folder: Path) -> Path:
    """A dataset of three parts, the last one compacted of two."""
    lake = tmp_path / "lake"
    names = sorted(path.name for path in folder.iterdir())
    for name in names[:2]:
        ssetl.ingest(folder / name, dataset=lake)
    ssetl.compact(lake)
    ssetl.ingest([folder / name for name in names[2:5]], dataset=lake)
    ssetl.ingest(folder, dataset=lake)
    return lake


def rows(lake: Path) -> dict[str, list[str]]:
    """All rows, times of ingest aside."""
    found = {}
    with ssetl.open(lake) as opened:
        assert not [finding.name for finding in opened.check() if finding.violations.num_rows]
        for table in TABLE_ORDER:
            columns = "* exclude (ingested_at)" if table == "captures" else "*"
            found[table] = sorted(map(repr, opened.sql(f"select {columns} from {table}").rows()))
    return found


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "deleted": lambda path: path.unlink(),
}


def test_of_a_sound_dataset_nothing_is_touched(lake: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*")}
    assert repair(lake) == Repaired()
    assert {path: path.stat().st_mtime_ns for path in lake.rglob("*")} == before


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("table", TABLE_ORDER)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_damaged_part_is_read_again(lake: Path, folder: Path, which: int, table: str, damage: str) -> None:
    before = rows(lake)
    part = Dataset.open(lake).visible_parts()[which]
    DAMAGES[damage](lake / table / f"{part}.parquet")
    repair(lake)
    ssetl.ingest(folder, dataset=lake)  # without its mark, a part was never finished
    assert rows(lake) == before
    assert repair(lake) == Repaired()


def test_parts_that_are_compacted_meanwhile_are_not_damaged(
    lake: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(lake)
    shutil.rmtree(folder)

    def compacting(*of: Any, _faults: Callable[..., Any] = integrity.part_faults) -> Any:
        ssetl.compact(lake)
        return _faults(*of)

    monkeypatch.setattr(integrity, "part_faults", compacting)
    assert repair(lake) == Repaired()
    assert rows(lake) == before


def test_a_part_that_was_to_be_made_of_a_damaged_one_is_given_up_too(lake: Path, folder: Path) -> None:
    before = rows(lake)
    parts = Dataset.open(lake).visible_parts()
    (lake / "chunks" / f"{parts[1]}.parquet").write_bytes(b"")
    (lake / "streams" / f"{parts[2]}.parquet").write_bytes(b"")
    with pytest.raises(ssetl.DatasetDamaged, match="`ssetl repair`"):
        ssetl.compact(lake)
    assert repair(lake).again
    assert rows(lake) == before


@pytest.mark.parametrize("which", [0, 1])
def test_of_a_file_that_grew_a_damaged_piece_is_read_again(tmp_path: Path, which: int) -> None:
    source, lake = tmp_path / "growing.sse", tmp_path / "lake"
    for name in ("two-choices.sse", "tool-calls.sse"):
        with source.open("ab") as file:
            file.write((CAPTURES / name).read_bytes())
        ssetl.ingest(source, dataset=lake, content="hash")
    before = rows(lake)
    Dataset.open(lake).files("chunks")[which].write_bytes(b"")
    assert repair(lake).again == (str(source),)
    assert rows(lake) == before
    assert ssetl.ingest(source, dataset=lake).captures == 0


def test_a_source_that_changes_while_it_is_read_again_leaves_the_part_as_it_is(
    lake: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Dataset.open(lake).files("chunks")[0]
    sound = path.read_bytes()
    before = rows(lake)
    path.write_bytes(b"")

    def changed(*_: object) -> None:
        raise SourceChanged("a.sse")

    with monkeypatch.context() as patched:
        patched.setattr(repairing, "write_part", changed)
        [beyond] = repair(lake).beyond
    assert beyond.lost == ("a.sse",)
    path.write_bytes(sound)
    assert rows(lake) == before


def test_a_part_whose_source_is_gone_stays_until_it_is_given_up(
    lake: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = rows(lake)
    part = Dataset.open(lake).visible_parts()[0]
    file = lake / "chunks" / f"{part}.parquet"
    sound = file.read_bytes()
    file.write_bytes(b"")
    moved = sorted(folder.iterdir())[0]
    moved.rename(folder / "moved.sse")
    assert cli.run(["repair", "--dataset", str(lake)]) == 1
    err = capsys.readouterr().err
    assert f"part {part} is damaged:" in err
    assert f"  {moved}\n" in err
    assert "`ssetl repair --give-up`" in err
    file.write_bytes(sound)
    assert rows(lake) == expected
    file.write_bytes(b"")
    assert cli.run(["repair", "--give-up", "--dataset", str(lake)]) == 0
    ssetl.ingest(folder, dataset=lake)
    assert len(rows(lake)["streams"]) == len(expected["streams"])


def test_what_was_forgotten_does_not_come_back_by_a_repair(lake: Path, folder: Path) -> None:
    with ssetl.open(lake) as opened:
        query = "select path, capture_id from captures where path like '%completions.sse'"
        [(path, capture)] = opened.sql(query).rows()
        query = "select stream_id, capture_id from streams where capture_id != $capture order by 1"
        stream, trimmed = opened.sql(query, capture=capture).rows()[0]
    ssetl.forget(lake, captures=[capture], streams=[stream])
    for part in Dataset.open(lake).visible_parts():
        (lake / "chunks" / f"{part}.parquet").unlink()
    assert repair(lake).beyond
    repair(lake, give_up=True)
    ssetl.ingest(folder, dataset=lake)
    with ssetl.open(lake) as opened:
        found = {row[0] for row in opened.sql("select capture_id from captures").rows()}
    assert not found & {capture, trimmed}
    assert found
    assert Path(path).exists()


def test_leftovers_are_removed_and_named(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lake / "chunks" / ".00000009-0000.parquet.0a.tmp").write_bytes(b"x" * 2000)
    held = files.temporary_name(lake / "chunks" / "00000009-0000.parquet")
    with files.held(held):
        assert cli.run(["repair", "--dataset", str(lake)]) == 0
        assert held.exists()
    err = capsys.readouterr().err
    assert "removed 1 file (2.0 kB):\n  " in err
    assert "chunks/.00000009-0000.parquet.0a.tmp (left by a process that was killed while it wrote)" in err
    assert cli.run(["repair", "--dataset", str(lake)]) == 0
    assert capsys.readouterr().err == "nothing to repair\n"
