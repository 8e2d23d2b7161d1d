"""Checks: that the files of a dataset are sound, and SQL that returns the rows that must not exist.

An SQL check is a file like a report, in `queries/checks/`; a dataset passes it if it gives no row. The check
`structure` comes before them, for SQL over damaged files fails.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa

from ssetl import reports
from ssetl.dataset import Dataset
from ssetl.errors import UnknownReport
from ssetl.reports import Report
from ssetl.results import held
from ssetl.warehouse import Warehouse

STRUCTURE: Final = "structure"
"""The check of the files; the others are named like their SQL."""

MAX_BYTES: Final = 512 << 20
"""How much the violations of one check may hold."""


class Finding(msgspec.Struct, frozen=True):
    """What a check found: the rows that must not exist (or the faults of files), none if all is well."""

    name: str
    description: str
    violations: pa.Table


def folder() -> Path:
    """The folder of the checks."""
    return reports.shipped() / "checks"


def catalogue() -> dict[str, Path]:
    """The files of the SQL checks, by name."""
    return {path.stem: path for path in sorted(folder().glob("*.sql"))}


def run(dataset: Dataset, open_warehouse: Callable[[], Warehouse], names: Sequence[str]) -> Iterator[Finding]:
    """Each check of these names, or of all, and what it found, one after the other.

    If none is named and files are damaged, that finding is the only one.

    Raises:
        UnknownReport: there is no check of a name.
        DatasetDamaged: an SQL check was asked for, and a file cannot be read.
    """
    known = catalogue()
    for name in names:
        if name not in (STRUCTURE, *known):
            raise UnknownReport(f"no check is named {name!r}. There are: {', '.join((STRUCTURE, *known))}.")
    for name in names or (STRUCTURE, *known):
        if name == STRUCTURE:
            finding = _structure(dataset)
            yield finding
            if finding.violations.num_rows and not names:
                return
        else:
            check: Report = reports.read(known[name])
            found = reports.run(open_warehouse(), check)
            yield Finding(name, check.description, held(found, MAX_BYTES, "violations"))


def _structure(dataset: Dataset) -> Finding:
    from ssetl import integrity  # noqa: PLC0415 - what reads files of Parquet takes long to load

    columns = pa.schema([(name, pa.string()) for name in integrity.Fault.__struct_fields__])
    faults = [msgspec.structs.asdict(fault) for fault in integrity.faults(dataset)]
    description = "Each part has its four files, undamaged, with the rows that they tell of."
    return Finding(STRUCTURE, description, pa.Table.from_pylist(faults, columns))
