import subprocess
import sys
import threading
from pathlib import Path

import pytest

import ssetl
import ssetl.workers
from ssetl import ingestion, loading

CAPTURE = (
    'data: {"id":"c1","object":"chat.completion.chunk","created":1772442960,"model":"m",'
    '"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "one.sse"
    path.write_text(CAPTURE)
    return path


def test_nothing_loads_any_more_when_parts_are_written(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[bool] = []
    write_parts = ssetl.workers.write_parts

    def noted(*arguments: object) -> object:
        running.append("ssetl-loading" in [thread.name for thread in threading.enumerate()])
        return write_parts(*arguments)

    loading.loading.cache_clear()
    monkeypatch.setattr(ingestion, "WORTH", 0)
    monkeypatch.setattr(ssetl.workers, "write_parts", noted)
    assert ssetl.ingest(capture, dataset=capture.parent / "lake").events == 1
    assert running == [False]


FAILING = """
import sys
sys.path.insert(0, sys.argv[1])
import ssetl.ingestion
ssetl.ingestion.WORTH = 0
turn = sys.getswitchinterval()
try:
    ssetl.ingest(sys.argv[2], dataset=sys.argv[3])
except ImportError as error:
    print(error)
assert sys.getswitchinterval() == turn
"""


def test_a_library_that_cannot_be_loaded_is_named_once(capture: Path, tmp_path: Path) -> None:
    (tmp_path / "broken" / "pyarrow").mkdir(parents=True)
    (tmp_path / "broken" / "pyarrow" / "__init__.py").write_text("raise ImportError('no pyarrow here')")
    command = [sys.executable, "-c", FAILING, tmp_path / "broken", capture, tmp_path / "lake"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("no pyarrow here\n", "")
