"""The file of a part in `captures`, by which a part is whole or void: what planning asks of it.

A plan asks this only of a dataset with void parts or with files that grew, so who plans imports this module
when it is needed, and Arrow with it.
"""

import io
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from ssetl import schema

_VOID: Final = b"ssetl.void"
"""Key in the footer of a mark that gives a part up for good."""


def void() -> bytes:
    """A file of `captures` without rows, so that a glob over them can be read, void parts or not."""
    file = io.BytesIO()
    metadata = {**schema.footer("captures"), _VOID.decode(): "true"}
    with pq.ParquetWriter(file, schema.CAPTURES, store_schema=False) as writer:
        writer.add_key_value_metadata(metadata)
    return file.getvalue()


def is_finished(mark: Path) -> bool | None:
    """Whether a part that a plan voids was finished in time; None if that is open."""
    try:
        return _VOID not in (pq.read_metadata(mark).metadata or {})
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException):
        return True  # damaged, and so not ours to take for void


def closed_bytes(mark: Path) -> dict[str, int | None]:
    """Bytes of each capture of a part up to which it left no stream open, by capture_id.

    Raises:
        OSError, ArrowException: the file is gone, or damaged.
    """
    rows = pq.read_table(mark, columns=["capture_id", "closed_bytes"]).to_pylist()
    return {row["capture_id"]: row["closed_bytes"] for row in rows}
