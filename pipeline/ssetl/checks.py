"""Checks: SQL that returns the rows that must not exist.

A check is a file like a report, in `queries/checks/`; a dataset passes it if it gives no row.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from ssetl import reports
from ssetl.errors import UnknownReport
from ssetl.reports import Report
from ssetl.warehouse import Warehouse


class Finding(msgspec.Struct, frozen=True):
    """What a check found: the rows that must not exist, none if all is well."""

    check: Report
    violations: pa.Table


def folder() -> Path:
    """The folder of the checks."""
    return reports.shipped() / "checks"


def catalogue(names: Sequence[str] = ()) -> list[Report]:
    """The checks of these names, or all of them, by name.

    Raises:
        UnknownReport: there is no check of a name.
    """
    known = {path.stem: path for path in sorted(folder().glob("*.sql"))}
    for name in names:
        if name not in known:
            raise UnknownReport(f"no check is named {name!r}. There are: {', '.join(known)}.")
    return [reports.read(known[name]) for name in names or known]


def run(warehouse: Warehouse, names: Sequence[str] = ()) -> Iterator[Finding]:
    """Each check and what it found, one after the other.

    Raises:
        UnknownReport: there is no check of a name.
    """
    for check in catalogue(names):
        yield Finding(check, reports.run(warehouse, check).read_all())
