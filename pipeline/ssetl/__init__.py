"""Stream capture analytics: captured LLM event streams in, Parquet and SQL answers out.

    import ssetl

    ssetl.ingest("logs/", dataset="data/lake")
    with ssetl.open("data/lake") as lake:
        lake.report("latency", model="gpt-4o")  # polars DataFrame
        lake.sql("select count(*) from streams")  # polars DataFrame
        lake.scan("chunks")  # polars LazyFrame
    ssetl.compact("data/lake")  # and `forget`, `repair`: what looks after a dataset

What is listed in `__all__` is public and stays; it is imported when it is first used, for the
libraries behind it are large.
"""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ssetl.compaction import Compacted, compact
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
    from ssetl.forgetting import Forgotten, forget
    from ssetl.ingestion import Summary, ingest
    from ssetl.lake import Lake
    from ssetl.repairing import Repaired, repair
    from ssetl.reports import Report
    from ssetl.version import __version__

__all__ = [
    "BadParameter",
    "Compacted",
    "DataError",
    "DatasetDamaged",
    "Explanation",
    "ExportError",
    "Forgotten",
    "Lake",
    "NoSources",
    "NotADataset",
    "QueryError",
    "Repaired",
    "Report",
    "ReportError",
    "SchemaVersionError",
    "SourceNotFound",
    "SsetlError",
    "Summary",
    "UnknownReport",
    "UsageError",
    "__version__",
    "compact",
    "forget",
    "ingest",
    "open",
    "repair",
]

_HOMES: Final = {
    "Compacted": "compaction",
    "Explanation": "explain",
    "Forgotten": "forgetting",
    "Lake": "lake",
    "Repaired": "repairing",
    "Report": "reports",
    "Summary": "ingestion",
    "__version__": "version",
    "compact": "compaction",
    "forget": "forgetting",
    "ingest": "ingestion",
    "repair": "repairing",
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
