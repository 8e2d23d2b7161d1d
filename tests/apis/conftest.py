"""What tests of API modules share."""

from typing import Any

import msgspec
import pytest

from ssetl.apis.row import Api, Chunk, drop_nulls, flatten, restore


@pytest.fixture
def told():
    """A function that gives the known columns of each row of a chunk, after restoring it; no `extra`."""

    def columns(api: Api, chunk: Chunk, event_type: str | None = None) -> list[dict[str, Any]]:
        rows = flatten(api, chunk, event_type)
        assert restore(api, rows) == drop_nulls(chunk)
        plain = [msgspec.structs.asdict(row) for row in rows]
        for row in plain:
            del row["extra"]
            if row["usage"] is not None:
                usage = row.pop("usage")
                row |= {name: getattr(usage, name) for name in usage.__struct_fields__}
            if row["tool_calls"] is not None:
                row["tool_calls"] = [
                    (call.index, call.id, call.name, call.arguments) for call in row["tool_calls"]
                ]
        return [{name: value for name, value in row.items() if value is not None} for row in plain]

    return columns
