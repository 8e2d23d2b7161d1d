"""The dataset: what is published once stays, what is whole is seen, what is none is refused."""

import io
import threading
from pathlib import Path

import pytest

from ssetl import dataset as dataset_module
from ssetl import files, plan, planner
from ssetl.captures import sources
from ssetl.dataset import Dataset
from ssetl.errors import DatasetDamaged, NotADataset, SchemaVersionError
from ssetl.plan import Part, Plan, part_name
from ssetl.schema import TABLES


def make(number: int, parts: int = 1, replaces: tuple[str, ...] = ()) -> Plan:
    planned = tuple(Part(part_name(number, n), ()) for n in range(parts))
    return Plan(number, plan.instant(number), "test", parts=planned, replaces=replaces)


def finish(dataset: Dataset, name: str) -> None:
    for table in TABLES:
        dataset.file(table, name).write_bytes(b"")


def test_a_new_dataset_is_empty(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path / "data" / "lake")
    assert dataset == Dataset.open(tmp_path / "data" / "lake") == Dataset.create(str(dataset.path))
    assert (dataset.plans, dataset.number) == ((), 0)
    assert (dataset.visible_parts(), dataset.pending_parts()) == ([], [])
    assert {table: dataset.files(table) for table in TABLES} == {table: [] for table in TABLES}


def test_an_empty_folder_becomes_a_dataset(tmp_path: Path) -> None:
    assert Dataset.create(tmp_path).number == 0


def test_nothing_is_written_where_other_things_are(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(NotADataset, match="nothing was written"):
        Dataset.create(tmp_path)
    with pytest.raises(NotADataset, match="is a file"):
        Dataset.create(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_is_no_dataset_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, found in (("", "a folder without plans"), ("file", "a file"), ("none", "nothing")):
        with pytest.raises(NotADataset, match=f"found {found}"):
            Dataset.open(tmp_path / name)


def test_a_plan_is_published_once(tmp_path: Path) -> None:
    first, second = Dataset.create(tmp_path), Dataset.create(tmp_path)
    assert first.publish(make(1, parts=2))
    assert not second.publish(make(1, parts=3))
    assert Dataset.open(tmp_path).plans == (make(1, parts=2),)
    assert not Dataset.open(tmp_path).publish(make(1))
    with pytest.raises(ValueError, match="cannot follow"):
        first.publish(make(3))


def test_of_many_publishers_one_wins(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path)
    start, won = threading.Barrier(8), list[int]()

    def publish(parts: int) -> None:
        start.wait()
        if dataset.publish(make(1, parts)):
            won.append(parts)

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert Dataset.open(tmp_path).plans == (make(1, parts=won[0]),)
    assert [path.name for path in (tmp_path / "_plan").iterdir()] == ["00000001.json"]


def test_whole_parts_are_seen_and_nothing_else(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path)
    dataset.publish(make(1, parts=3))
    names = [part_name(1, n) for n in range(3)]
    finish(dataset, names[0])
    finish(dataset, names[2])
    finish(dataset, "00000009-0000")
    dataset.file("captures", names[2]).unlink()
    dataset.file("captures", ".x.tmp").write_bytes(b"")
    dataset = Dataset.open(tmp_path)
    assert dataset.visible_parts() == [names[0]]
    assert dataset.files("chunks") == [tmp_path / "chunks" / f"{names[0]}.parquet"]
    assert [part.name for part in dataset.pending_parts()] == names[1:]
    assert dataset.plan_of(dataset.pending_parts()[0]) == make(1, parts=3)


def test_an_open_dataset_does_not_change(tmp_path: Path) -> None:
    before = Dataset.create(tmp_path)
    before.publish(make(1))
    finish(before, part_name(1, 0))
    assert before.visible_parts() == []
    assert Dataset.open(tmp_path).visible_parts() == [part_name(1, 0)]


def test_snapshots_spare_the_plans_before_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_module, "SNAPSHOT_EVERY", 4)
    Dataset.create(tmp_path)
    for number in range(1, 11):
        dataset = Dataset.open(tmp_path)
        replaced = (part_name(number - 1, 0),) if number % 3 == 0 else ()
        assert dataset.publish(make(number, replaces=replaced))
        finish(dataset, part_name(number, 0))
    names = [part_name(number, 0) for number in (1, 3, 4, 6, 7, 9, 10)]
    assert Dataset.open(tmp_path).visible_parts() == names
    folder = tmp_path / "_plan"
    assert sorted(path.name for path in folder.glob("snapshot*")) == [
        "snapshot-00000004.json",
        "snapshot-00000008.json",
    ]
    for number in range(1, 9):
        (folder / f"{number:08d}.json").unlink()
    dataset = Dataset.open(tmp_path)
    assert (dataset.number, dataset.visible_parts()) == (10, names)


def test_a_missing_or_damaged_plan_is_named(tmp_path: Path) -> None:
    for number in range(1, 4):
        Dataset.create(tmp_path).publish(make(number))
    (tmp_path / "_plan" / "00000002.json").unlink()
    with pytest.raises(DatasetDamaged, match=r"00000002\.json is missing"):
        Dataset.open(tmp_path)
    (tmp_path / "_plan" / "00000002.json").write_bytes(b"{}")
    with pytest.raises(DatasetDamaged, match=r"00000002\.json must be a plan"):
        Dataset.open(tmp_path)
    (tmp_path / "_plan" / "00000002.json").write_bytes(b'{"version":1,"schema_version":99}')
    with pytest.raises(SchemaVersionError, match="upgrade"):
        Dataset.open(tmp_path)


def test_standard_input_is_kept_until_its_part_is_whole(tmp_path: Path) -> None:
    dataset = Dataset.create(tmp_path)
    kept, read = (sources.spool(io.BytesIO(data), tmp_path) for data in (b"one", b"two"))
    [made] = planner.make(dataset, [read], now_us=1).plans
    dataset.publish(made)
    Dataset.open(tmp_path).clear_spool()
    assert sources.spooled(tmp_path) == sorted([kept, read])
    finish(dataset, part_name(1, 0))
    Dataset.open(tmp_path).clear_spool()
    assert sources.spooled(tmp_path) == [kept]


def test_a_file_is_created_once_and_leaves_no_trace_of_the_second(tmp_path: Path) -> None:
    assert files.create_once(tmp_path / "a", b"one")
    assert not files.create_once(tmp_path / "a", b"two")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"one"}


@pytest.mark.parametrize("step", ["open", "fsync", "link"])
def test_a_plan_that_cannot_be_written_is_not_there(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Dataset.create(tmp_path)

    def fail(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files.os, step, fail)
        with pytest.raises(OSError, match="No space"):
            dataset.publish(make(1))
    assert list((tmp_path / "_plan").iterdir()) == []
    assert dataset.publish(make(1))
