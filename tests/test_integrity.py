"""The check `structure`: damage to any file is named, with what to do, and without a traceback."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import ssetl
from ssetl import cli
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.integrity import Fault, faults
from ssetl.schema import TABLES

CAPTURES = Path(__file__).parent.parent / "data" / "captures"
PART = "00000001-0000"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of one part with rows in each table."""
    folder = tmp_path_factory.mktemp("sound") / "lake"
    ssetl.ingest(CAPTURES / "*.*", dataset=folder)
    return folder


@pytest.fixture
def lake(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "lake"))


def found(lake: Path) -> list[Fault]:
    return list(faults(Dataset.open(lake)))


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x40
    path.write_bytes(data)


def row_byte(path: Path) -> int:
    """The last byte of the pages of the largest column."""
    columns = [pq.read_metadata(path).row_group(0).column(n) for n in range(len(pq.read_schema(path)))]
    largest = max(columns, key=lambda column: column.total_compressed_size)
    start = largest.dictionary_page_offset or largest.data_page_offset
    return int(start + largest.total_compressed_size - 1)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_rows(path: Path) -> None:
    table = path.parent.name
    metadata = pq.read_metadata(path).metadata
    with pq.ParquetWriter(path, TABLES[table], store_schema=False) as writer:
        writer.add_key_value_metadata({k.decode(): v.decode() for k, v in (metadata or {}).items()})


def other_table(path: Path) -> None:
    other = "streams" if path.parent.name != "streams" else "chunks"
    shutil.copy(path.parent.parent / other / path.name, path)


def other_columns(path: Path) -> None:
    table = pq.read_table(path)
    metadata = pq.read_metadata(path).metadata
    with pq.ParquetWriter(path, table.schema.remove(0), store_schema=False) as writer:
        writer.add_key_value_metadata({k.decode(): v.decode() for k, v in (metadata or {}).items()})
        writer.write_table(table.drop_columns([table.schema.names[0]]))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the rows": (lambda path: flip(path, row_byte(path)), "damage: "),
    "a byte of the footer's length": (lambda path: flip(path, -5), "damage: "),
    "the last byte": (lambda path: flip(path, -1), "damage: "),
    "cut short": (cut, "damage: "),
    "empty": (lambda path: path.write_bytes(b""), "damage: "),
    "no Parquet": (lambda path: path.write_bytes(b"a poem"), "damage: "),
    "no rows": (without_rows, ""),
    "the file of another table": (other_table, "the rows of "),
    "other columns": (other_columns, "other columns"),
    "deleted": (lambda path: path.unlink(), "nothing: the file is missing"),
}


def test_a_sound_dataset_has_no_fault(lake: Path) -> None:
    assert found(lake) == []


@pytest.mark.parametrize("table", TABLE_ORDER)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_file_and_remedy(
    lake: Path, table: str, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lake / table / f"{PART}.parquet"
    change, told = DAMAGES[damage]
    change(path)
    if (table, damage) == ("captures", "deleted"):
        # Without its mark the part is one that was never finished: the next ingest does so.
        assert cli.run(["check", "structure", "--dataset", str(lake)]) == 0
        assert "1 part planned and not whole: the next `ssetl ingest`" in capsys.readouterr().err
        return
    named = [fault for fault in found(lake) if fault.path == str(path)]
    if (table, damage) == ("captures", "no rows"):
        named = found(lake)  # then all other files have rows that nothing counts
    assert named
    assert told in named[0].found
    assert "`ssetl repair`" in named[0].remedy
    assert cli.run(["check", "--dataset", str(lake), "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert '"check":"structure"' in out.replace(" ", "")
    assert "the other checks were left out" in err
    assert "Traceback" not in out + err


def test_files_of_two_parts_that_changed_places_are_named(lake: Path, tmp_path: Path) -> None:
    ssetl.ingest(CAPTURES / "containers" / "*", dataset=lake)
    for table in TABLE_ORDER:
        one, two = (lake / table / f"0000000{n}-0000.parquet" for n in (1, 2))
        one.rename(tmp_path / "one")
        two.rename(one)
        (tmp_path / "one").rename(two)
        assert {Path(fault.path).stem for fault in found(lake)} == {PART, "00000002-0000"}
        two.rename(tmp_path / "one")
        one.rename(two)
        (tmp_path / "one").rename(one)
    assert found(lake) == []


def test_a_part_whose_files_and_origins_are_gone_is_named(lake: Path) -> None:
    ssetl.ingest(CAPTURES / "containers" / "*", dataset=lake)
    ssetl.compact(lake)
    [part] = Dataset.open(lake).visible_parts()
    (lake / "captures" / f"{part}.parquet").unlink()
    [fault] = found(lake)
    assert (Path(fault.path).stem, fault.found) == (part, "neither; 00000001-0000 is missing, too")


def test_leftovers_are_named_and_are_no_fault(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lake / "chunks" / ".00000009-0000.parquet.0a.tmp").write_bytes(b"1234")
    (lake / "chunks" / "mine.parquet").write_bytes(b"x")
    assert cli.run(["check", "--dataset", str(lake)]) == 0
    err = capsys.readouterr().err
    assert "2 files (0.0 kB) that no plan covers; `ssetl repair` removes what ssetl wrote:" in err
    assert ".tmp (left by a process that was killed while it wrote)" in err
    assert "mine.parquet (not written by ssetl" in err


def test_every_byte_of_the_rows_is_watched(lake: Path) -> None:
    """Pages carry checksums: what they hold cannot change unnoticed."""
    path = lake / "rejects" / f"{PART}.parquet"
    sound = path.read_bytes()
    metadata = pq.read_metadata(path)
    columns = [metadata.row_group(0).column(n) for n in range(metadata.num_columns)]
    for column in columns:
        end = (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size
        flip(path, end - 1)
        assert found(lake), column.path_in_schema
        path.write_bytes(sound)
