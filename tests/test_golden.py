"""What each report prints for shipped captures, byte for byte. `pytest --update-golden` writes it anew."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ssetl
from ssetl import reports, terminal
from ssetl.formats import write_csv, write_json, write_markdown, write_parquet

GOLDEN = Path(__file__).parent / "golden"


def written(write: Callable[..., None], table: pa.Table, **options: bool) -> bytes:
    out = io.BytesIO()
    write(table.to_reader(), out, **options)
    return out.getvalue()


def parquet_types(table: pa.Table) -> bytes:
    schema = pq.read_schema(io.BytesIO(written(write_parquet, table, raw=False)))
    return "".join(f"{field.name}: {field.type}\n" for field in schema).encode()


FORMS: dict[str, Callable[[pa.Table], bytes]] = {
    "txt": lambda table: terminal.draw(table.to_reader()).text.encode(),
    "csv": lambda table: written(write_csv, table, raw=False),
    "json": lambda table: written(write_json, table, raw=False),
    "md": lambda table: written(write_markdown, table, raw=False),
    "types": parquet_types,
}


def placeless(table: pa.Table) -> pa.Table:
    """`table` without what depends on place, time and version of the ingest."""
    replaced = {
        "path": lambda path: Path(path).name,
        "ingested_at": lambda _: None,
        "ssetl_version": lambda _: "0",
    }
    for name in replaced.keys() & set(table.column_names):
        position = table.column_names.index(name)
        cells = [replaced[name](cell) for cell in table[name].to_pylist()]
        table = table.set_column(position, table.field(position), pa.array(cells, table.field(position).type))
    return table


@pytest.fixture(scope="module")
def lake(dataset: Path) -> Iterator[ssetl.Lake]:
    with ssetl.open(dataset) as opened:
        yield opened


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", reports.names())
def test_report(lake: ssetl.Lake, request: pytest.FixtureRequest, name: str, form: str) -> None:
    found = FORMS[form](placeless(lake.report_batches(name).read_all()))
    path = GOLDEN / f"{name}.{form}"
    if request.config.getoption("--update-golden"):
        path.write_bytes(found)
    assert path.exists(), (
        f"{path} is missing: look at what the report prints, then run pytest --update-golden"
    )
    assert found.decode() == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    expected = {f"{name}.{form}" for name in reports.names() for form in FORMS}
    assert {path.name for path in GOLDEN.iterdir()} <= expected
