"""Parts: four files of the same rows, whole or not there, whatever fails in between."""

import contextlib
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssetl import files, kernels, parts, plan, schema, tables, tuning
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.parts import PartWriter
from ssetl.plan import Part, Plan, part_name
from ssetl.privacy import SCREENED
from ssetl.schema import CAPTURES, CHUNKS, TABLES

NAME = part_name(1, 0)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    dataset = Dataset.create(tmp_path / "lake")
    assert dataset.publish(Plan(1, plan.instant(0), "test", parts=(Part(NAME, ()),)))
    return Dataset.open(dataset.path)


def chunks(count: int, first: int = 0, capture: str = "c") -> pa.Table:
    rows = [
        {"capture_id": capture, "stream_id": f"s{n // 10}", "event_index": n, "content": f"token {n}"}
        for n in range(first, first + count)
    ]
    return pa.Table.from_pylist(rows, CHUNKS)


def captures(*ids: str) -> pa.Table:
    return pa.Table.from_pylist([{"capture_id": id_, "bytes": 5} for id_ in ids], CAPTURES)


def write(dataset: Dataset, name: str = NAME) -> None:
    with PartWriter(dataset, name) as writer:
        writer.write("captures", captures("c"))
        writer.write("chunks", chunks(30).to_batches()[0])
        writer.write("chunks", chunks(12, first=30))
        writer.commit()


def contents(dataset: Dataset) -> dict[str, bytes]:
    found = [path for table in TABLE_ORDER for path in (dataset.path / table).iterdir()]
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in found}


def test_idle_memory_is_given_back_now_and_then(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 1)
    monkeypatch.setattr(tuning, "_trim", given_back.append)
    with PartWriter(dataset, NAME) as writer:
        for n in range(17):
            writer.write("chunks", chunks(1, n))
        writer.commit()
    assert given_back == [0, 0]


def test_only_rows_that_were_searched_are_not_searched_again(dataset: Dataset) -> None:
    rows = pa.Table.from_pylist(
        [{"capture_id": "c", "stream_id": "s", "event_index": 0, "extra": '{"api_key":"0123456789"}'}], CHUNKS
    )
    place = tables.CHUNKS.get_field_index("extra")
    known = tables.CHUNKS.set(place, tables.CHUNKS.field(place).with_metadata(SCREENED))
    columns = [kernels.cast(column, field.type) for column, field in zip(rows.columns, known, strict=True)]
    with PartWriter(dataset, NAME) as writer:
        writer.write("chunks", pa.Table.from_arrays(columns, schema=known))
        writer.write("chunks", rows)
        writer.commit()
    written = pq.read_table(dataset.file("chunks", NAME))["extra"].to_pylist()
    assert written == ['{"api_key":"0123456789"}', '{"api_key":"[masked]"}']


def test_a_part_is_four_files_that_hold_its_rows(dataset: Dataset) -> None:
    write(dataset)
    assert sorted(contents(dataset)) == sorted(f"{table}/{NAME}.parquet" for table in TABLES)
    assert pq.read_table(dataset.file("chunks", NAME)).equals(
        pa.concat_tables([chunks(30), chunks(12, first=30)])
    )
    assert pq.read_table(dataset.file("captures", NAME)).equals(captures("c"))
    assert Dataset.open(dataset.path).visible_parts() == [NAME]


@pytest.mark.parametrize("table", TABLES)
def test_files_are_typed_even_without_rows_and_explain_themselves(dataset: Dataset, table: str) -> None:
    with PartWriter(dataset, NAME) as writer:
        writer.commit()
    found = pq.read_schema(dataset.file(table, NAME))
    assert found.equals(TABLES[table])
    metadata = {key.decode(): value.decode() for key, value in (found.metadata or {}).items()}
    assert metadata == schema.footer(table)


def test_writing_a_part_twice_gives_the_same_bytes_and_is_harmless(dataset: Dataset, tmp_path: Path) -> None:
    write(dataset)
    first = contents(dataset)
    write(dataset)
    assert contents(dataset) == first
    other = Dataset.create(tmp_path / "other")
    write(other)
    assert contents(other) == first


def test_dictionaries_are_stored_as_texts(dataset: Dataset) -> None:
    table = chunks(1000)
    encoded = table.set_column(0, "stream_id", table["stream_id"].dictionary_encode())
    mixed = [(NAME, (encoded, table)), ("x", (table, encoded))]
    for name, written in mixed:
        with PartWriter(dataset, name) as writer:
            for rows in written:
                writer.write("chunks", rows)
            writer.commit()
        assert pq.read_table(dataset.file("chunks", name)).equals(pa.concat_tables([table, table]))


def test_row_groups_are_of_one_size_and_bounded_in_memory(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 100)
    with PartWriter(dataset, NAME) as writer:
        for first in range(0, 350, 50):
            writer.write("chunks", chunks(50, first=first))
        writer.commit()
    metadata = pq.read_metadata(dataset.file("chunks", NAME))
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [100, 100, 100, 50]
    monkeypatch.setattr(parts, "ROW_GROUP_BYTES", 1)
    with PartWriter(dataset, "x") as writer:
        writer.write("chunks", chunks(50))
        writer.write("chunks", chunks(50))
        writer.commit()
    assert pq.read_metadata(dataset.file("chunks", "x")).num_row_groups == 2


def test_a_stream_can_be_looked_up_by_bloom_filter(dataset: Dataset) -> None:
    write(dataset)
    with duckdb.connect() as connection:
        filters = connection.execute(
            "select path_in_schema from parquet_metadata($file) where bloom_filter_offset is not null",
            {"file": str(dataset.file("chunks", NAME))},
        ).fetchall()
    assert filters == [("stream_id",), ("response_id",)]


def test_what_people_wrote_is_compressed_and_what_is_terse_is_not(dataset: Dataset) -> None:
    write(dataset)
    row_group = pq.read_metadata(dataset.file("chunks", NAME)).row_group(0)
    columns = [row_group.column(n) for n in range(row_group.num_columns)]
    plain = {each.path_in_schema for each in columns if each.compression == "UNCOMPRESSED"}
    assert {each.compression for each in columns} == {"ZSTD", "UNCOMPRESSED"}
    assert {"input_tokens", "role", "received_at"} <= plain
    assert not plain & {"content", "extra", "stream_id", "tool_calls.list.element.arguments"}


def test_other_columns_are_refused(dataset: Dataset) -> None:
    with PartWriter(dataset, NAME) as writer, pytest.raises(ValueError, match="columns"):
        writer.write("chunks", captures("c"))


def test_what_is_not_committed_leaves_nothing(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 1)
    with PartWriter(dataset, NAME) as writer:
        writer.write("chunks", chunks(5))
        writer.write("chunks", chunks(5))  # waits for the row group before it
        assert list(contents(dataset)) != []
    assert contents(dataset) == {}


def test_an_interrupt_waits_for_what_is_being_written(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    join, screened = parts._Background.join, parts.screened
    is_joined_again, is_encoded = threading.Event(), threading.Event()

    def slow(*given: Any) -> pa.Table:
        assert is_joined_again.wait(60)
        is_encoded.set()
        return screened(*given)

    def interrupted(thread: threading.Thread) -> None:
        monkeypatch.setattr(parts._Background, "join", joined_again)
        raise KeyboardInterrupt

    def joined_again(thread: threading.Thread) -> None:
        is_joined_again.set()
        join(thread)

    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 1)
    monkeypatch.setattr(parts, "screened", slow)
    monkeypatch.setattr(parts._Background, "join", interrupted)
    with PartWriter(dataset, NAME) as writer:
        writer.write("chunks", chunks(2))
        with pytest.raises(KeyboardInterrupt):
            writer.commit()
    assert is_encoded.is_set()
    assert not any(name.startswith("chunks/") or ".tmp" in name for name in contents(dataset))


class Crash(BaseException):
    """The machine dies here: nothing after it is done, no cleaning up either."""


def steps(
    action: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, fail_at: int, error: BaseException
) -> int:
    """Run `action`; the system call number `fail_at` fails. Gives the number of system calls made."""
    made = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            nonlocal made
            made += 1
            if made == fail_at or (isinstance(error, Crash) and made > fail_at):
                raise error
            return call(*arguments, **named)

        return called

    with monkeypatch.context() as patched:
        for name in ("fsync", "link", "open"):
            patched.setattr(files.os, name, counted(getattr(files.os, name)))
        patched.setattr(files, "remove", counted(files.remove))
        action()
    return made


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Crash()], ids=["full", "crash"])
def test_a_failure_at_any_step_leaves_a_whole_dataset_and_a_rerun_finishes_it(
    error: BaseException, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = Dataset.create(tmp_path / "undisturbed")
    count = steps(lambda: write(undisturbed), monkeypatch, 0, ZeroDivisionError())
    assert count >= 4 * 4
    for fail_at in range(1, count + 1):
        try:
            steps(lambda: write(dataset), monkeypatch, fail_at, error)
        except type(error):
            pass
        now = Dataset.open(dataset.path)
        if now.visible_parts():
            assert all(dataset.file(table, NAME).exists() for table in TABLES)
        visible = {name: data for name, data in contents(dataset).items() if name.endswith(".parquet")}
        assert visible.items() <= contents(undisturbed).items()
        write(dataset)
        assert Dataset.open(dataset.path).visible_parts() == [NAME]
        assert contents(undisturbed).items() <= contents(dataset).items()
        for path in [path for table in TABLE_ORDER for path in (dataset.path / table).iterdir()]:
            path.unlink()


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_a_whole_dataset(dataset: Dataset) -> None:
    with PartWriter(dataset, NAME) as writer:
        writer.write("chunks", chunks(20_000))
        with largest_file(10_000), pytest.raises(OSError, match="File too large"):
            writer.commit()
    assert list(contents(dataset)) == [f"rejects/{NAME}.parquet"]
    assert Dataset.open(dataset.path).visible_parts() == []


def test_what_waits_in_the_background_when_a_part_is_given_up_is_not_written(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 1)
    given_up, threads = threading.Event(), []

    class Late(parts._Background):
        def __init__(self, work: Callable[[], None]) -> None:
            super().__init__(work)
            threads.append(self)
            raise KeyboardInterrupt  # before anybody knows the thread

        def run(self) -> None:
            given_up.wait()
            super().run()

    monkeypatch.setattr(parts, "_Background", Late)
    writer = PartWriter(dataset, NAME)
    with pytest.raises(KeyboardInterrupt):
        writer.write("chunks", chunks(1))
    writer.abort()
    given_up.set()
    for thread in threads:
        thread.join()
    assert list(dataset.path.rglob("*.tmp")) == []
