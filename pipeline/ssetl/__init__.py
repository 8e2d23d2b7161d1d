"""Stream capture analytics: captured LLM event streams in, Parquet and SQL answers out.

    import ssetl

    ssetl.ingest("logs/", dataset="data/lake")
    with ssetl.open("data/lake") as lake:
        lake.report("latency", model="gpt-4o")  # polars DataFrame
        lake.sql("select count(*) from streams")  # polars DataFrame
        lake.scan("chunks")  # polars LazyFrame

What is listed in `__all__` is public and stays; it is imported when it is first used, for the
libraries behind it are large.
"""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ssetl.errors import (
        BadParameter,
        DataError,
        DatasetDamaged,
        ExportError,
        NoSources,
        NotADataset,
        QueryError,
        ReportError,
        SchemaVersionError,
        SourceNotFound,
        SsetlError,
        UnknownReport,
        UsageError,
    )
    from ssetl.explain import Explanation
    from ssetl.ingestion import Summary, ingest
    from ssetl.lake import Lake
    from ssetl.reports import Report
    from ssetl.version import __version__

__all__ = [
    "BadParameter",
    "DataError",
    "DatasetDamaged",
    "Explanation",
    "ExportError",
    "Lake",
    "NoSources",
    "NotADataset",
    "QueryError",
    "Report",
    "ReportError",
    "SchemaVersionError",
    "SourceNotFound",
    "SsetlError",
    "Summary",
    "UnknownReport",
    "UsageError",
    "__version__",
    "ingest",
    "open",
]

_HOMES: Final = {
    "Explanation": "explain",
    "Lake": "lake",
    "Report": "reports",
    "Summary": "ingestion",
    "__version__": "version",
    "ingest": "ingestion",
}


def open(dataset: str | Path, *, queries: Iterable[str | Path] = ()) -> "Lake":
    """Open a dataset for reading.

    Args:
        dataset: its folder, as given to `ingest`.
        queries: folders of your own reports; theirs come before shipped ones of the same name.

    Raises:
        NotADataset: the folder is none.
        SchemaVersionError: it was written by an ssetl with another schema.
    """
    from ssetl.lake import Lake  # noqa: PLC0415 - see above: libraries are imported late

    return Lake(dataset, queries=queries)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ssetl' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ssetl.{_HOMES.get(name, 'errors')}"), name)
