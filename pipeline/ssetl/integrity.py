"""Whether the files of a dataset are what the plans and each other say: the check before all SQL.

Each part that readers use has its four files, readable to the last page (pages carry checksums), with the
columns and the version of this schema, in the right folder, with the captures that were planned and as many
rows as those count. What is damaged is named, with what to do; nothing here raises for it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ssetl import plan, schema
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.plan import Part
from ssetl.version import SCHEMA_VERSION

REMEDY: Final = "restore it from a backup, or run `ssetl repair`, which reads the sources again"


class Fault(msgspec.Struct, frozen=True):
    """Something that is not as it must be.

    Args:
        path: the file.
        expected, found: what it must be, and what it is.
        remedy: what to do.
    """

    path: str
    expected: str
    found: str
    remedy: str = REMEDY


def faults(dataset: Dataset) -> Iterator[Fault]:
    """The faults of all parts, in the order of the plans.

    Of a part that was replaced since the dataset was opened, the files may rightly be gone.
    """
    live = plan.live_parts(dataset.plans, dataset.whole)
    visible = set(dataset.visible_parts())
    for name in sorted(visible | live.keys()):
        if name in visible:
            found = list(part_faults(dataset, name, live.get(name)))
            if found and name in Dataset.open(dataset.path).visible_parts():
                yield from found
        elif lost := [source for source in live[name].gathers if source not in visible]:
            expected = f"part {name}, or the parts that it is made of"
            yield Fault(str(dataset.file("captures", name)), expected, f"neither; {lost[0]} is missing, too")


def part_faults(dataset: Dataset, name: str, part: Part | None) -> Iterator[Fault]:
    """The faults of one part; `part` is what the plan says of it, if it is still live."""
    try:
        yield from _part_faults(dataset, name, part)
    except FileNotFoundError:  # removed while it was read
        yield Fault(str(dataset.file("captures", name)), f"part {name}", "a file that went missing")


def _part_faults(dataset: Dataset, name: str, part: Part | None) -> Iterator[Fault]:
    rows: dict[str, int] = {}
    for table in TABLE_ORDER:
        path = dataset.file(table, name)
        if (found := _unreadable(path, table)) is not None:
            yield Fault(str(path), f"the rows of {table} of part {name}", found)
        else:
            rows[table] = pq.read_metadata(path).num_rows
    if len(rows) == len(TABLE_ORDER):
        yield from _counts(dataset, name, rows)
        if part is not None:
            yield from _captures(dataset, part)


def _unreadable(path: Path, table: str) -> str | None:
    """What is wrong with a file by itself."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = {k.decode(): v.decode() for k, v in (file.metadata.metadata or {}).items()}
            if metadata.get("ssetl.table") != table:
                return f"the rows of {metadata.get('ssetl.table', 'something else')}"
            if metadata.get("ssetl.schema_version") != str(SCHEMA_VERSION):
                return f"schema version {metadata.get('ssetl.schema_version')}"
            if not file.schema_arrow.equals(schema.TABLES[table]):
                return "other columns"
            for group in range(file.num_row_groups):
                file.read_row_group(group)
    except FileNotFoundError:
        return "nothing: the file is missing"
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        return f"damage: {str(error).strip().splitlines()[0]}"
    return None


def _counts(dataset: Dataset, name: str, rows: dict[str, int]) -> Iterator[Fault]:
    counted = ("streams", "chunks", "rejects")
    path = dataset.file("captures", name)
    captures = pq.ParquetFile(path).read([*counted, "copy_of"])
    own = captures.filter(pc.is_null(captures["copy_of"]))
    for table in counted:
        told = pc.sum(own[table]).as_py() or 0
        if told != rows[table]:
            file = str(dataset.file(table, name))
            yield Fault(file, f"{told:,} rows, as captures counts them", f"{rows[table]:,} rows")


def _captures(dataset: Dataset, part: Part) -> Iterator[Fault]:
    path = dataset.file("captures", part.name)
    found = pq.ParquetFile(path).read(["capture_id"])["capture_id"].to_pylist()
    planned = {capture.capture_id for capture in part.captures if not capture.forgotten}
    if set(found) != planned:
        expected = f"the {len(planned):,} captures that the plan names"
        strange = len(set(found) - planned)
        yield Fault(str(path), expected, f"{len(planned - set(found)):,} missing, {strange:,} others")
