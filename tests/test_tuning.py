import platform
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = {
    "dateutil",
    "duckdb",
    "numpy.ma",
    "polars",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.fs",
    "pyarrow.parquet",
    "rich",
    "ssl",
    "yaml",
}
"""Libraries that take long to load, and that an ingest can do without."""

CODE = """
import sys
import ssetl.cli
status = ssetl.cli.run(sys.argv[1:])
print(*(name for name, module in sys.modules.items() if module), file=sys.stdout)
sys.exit(status)
"""

CHUNK = (
    'data: {{"id":"c{n}","object":"chat.completion.chunk","created":1772442960,"model":"m",'
    '"choices":[{{"index":0,"delta":{{"content":"word {n}"}},"finish_reason":null}}]}}\n\n'
)


def ingested(tmp_path: Path, *options: str) -> set[str]:
    """The modules that an ingest of the files in a folder has loaded."""
    command = [sys.executable, "-c", CODE, "ingest", "--dataset", str(tmp_path / "lake"), *options]
    done = subprocess.run([*command, str(tmp_path / "logs")], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def write(tmp_path: Path, text: str) -> None:
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / f"{len(text)}.sse").write_text(text)


@pytest.mark.parametrize("content", ["keep", "hash", "drop"])
def test_an_ingest_loads_no_library_that_it_can_do_without(tmp_path: Path, content: str) -> None:
    write(tmp_path, CHUNK.format(n=1))
    write(tmp_path, "".join(CHUNK.format(n=n) * 20 for n in range(100)))  # enough for the fast path
    write(tmp_path, CHUNK.format(n="sk-abcdefghijklmnopqrstuvwxyz"))  # is masked
    write(tmp_path, f'{CHUNK.format(n=2)}{{"stray": "api_key=abcdefghi12345678"}}\n\n{{ "a log line')
    assert not SLOW & ingested(tmp_path, "--content", content)


def test_an_ingest_of_nothing_new_loads_neither_arrow_nor_numpy(tmp_path: Path) -> None:
    write(tmp_path, CHUNK.format(n=1))
    assert "pyarrow.lib" in ingested(tmp_path)
    assert not {"numpy", "pyarrow"} & ingested(tmp_path)


def test_memory_is_given_back_where_it_is_kept() -> None:
    code = """
from ssetl import tuning
tuning.give_back()
assert tuning._trim is None
tuning.tune()
tuning.give_back()
print(tuning._trim is not None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    libc = platform.libc_ver()[0]
    assert done.stdout == f"{sys.platform == 'linux' and libc == 'glibc'}\n"
