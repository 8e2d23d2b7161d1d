import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ssetl
from platforms import NEEDS_COPIES
from ssetl import copies, loading, matching, planner, stopping

CAPTURE = (
    'data: {"id":"c1","object":"chat.completion.chunk","created":1772442960,"model":"m",'
    '"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "one.sse"
    path.write_text(CAPTURE)
    return path


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may be copied, and sources that are worth it."""
    monkeypatch.setattr(loading, "can_copy", lambda: True)
    monkeypatch.setattr(loading, "WORTH", 0)


@NEEDS_COPIES
@pytest.mark.usefixtures("own")
def test_a_copy_makes_the_plan(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured_here: list[str] = []
    measure = matching.measure
    monkeypatch.setattr(
        matching, "measure", lambda *a, **k: (measured_here.append(a[0]), measure(*a, **k))[1]
    )
    assert ssetl.ingest(capture, dataset=capture.parent / "lake").events == 1
    assert not measured_here
    monkeypatch.setattr(loading, "WORTH", 1 << 30)
    assert ssetl.ingest(capture, dataset=capture.parent / "another").events == 1
    assert measured_here == [str(capture)]


@NEEDS_COPIES
@pytest.mark.usefixtures("own")
def test_nobody_is_asked_where_nothing_is_new(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssetl.ingest(capture, dataset=capture.parent / "lake")
    monkeypatch.setattr(loading, "copy", lambda *_: pytest.fail("copied"))
    assert ssetl.ingest(capture, dataset=capture.parent / "lake").unchanged == 1


@NEEDS_COPIES
@pytest.mark.usefixtures("own")
def test_a_plan_is_made_here_if_the_copy_cannot_tell_it() -> None:
    here = os.getpid()

    def make() -> planner.Planned:
        if os.getpid() != here:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return planner.Planned(unchanged=7)

    assert loading.planned(make).unchanged == 7


def test_a_plan_is_made_here_if_there_is_no_room_for_two(own: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(loading, "copy", full)
    assert loading.planned(lambda: planner.Planned(unchanged=7)).unchanged == 7


@NEEDS_COPIES
@pytest.mark.usefixtures("own")
def test_a_plan_is_made_here_if_the_copy_dies_while_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(_make: object, answers: int) -> None:
        os.write(answers, msgspec.msgpack.encode(planner.Planned(unchanged=7))[:-1])

    monkeypatch.setattr(loading, "_tell", dying)
    assert loading.planned(lambda: planner.Planned(unchanged=8)).unchanged == 8


@NEEDS_COPIES
@pytest.mark.usefixtures("own")
def test_a_signal_that_a_library_swallows_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def swallowing(_name: str) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            stopping._stop(signal.SIGINT, None)

    monkeypatch.setattr(stopping, "_came", None)
    monkeypatch.setattr(loading.importlib, "import_module", swallowing)
    with pytest.raises(KeyboardInterrupt):
        loading.planned(planner.Planned)


@NEEDS_COPIES
@pytest.mark.usefixtures("own")
def test_a_copy_ends_with_who_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def noted(*arguments: Any) -> int:
        started.append(copies.copy(*arguments))
        return started[0]

    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "copy", noted)
    monkeypatch.setattr(loading.importlib, "import_module", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loading.planned(lambda: time.sleep(3600) or planner.Planned())
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


FAILING = """
import sys
sys.path.insert(0, sys.argv[1])
import ssetl.copies, ssetl.loading
ssetl.copies.claim()
ssetl.loading.WORTH = 0
try:
    ssetl.ingest(sys.argv[2], dataset=sys.argv[3])
except ImportError as error:
    print(error)
"""


def test_a_library_that_cannot_be_loaded_is_named_once(capture: Path, tmp_path: Path) -> None:
    (tmp_path / "broken" / "pyarrow").mkdir(parents=True)
    (tmp_path / "broken" / "pyarrow" / "__init__.py").write_text("raise ImportError('no pyarrow here')")
    command = [sys.executable, "-c", FAILING, tmp_path / "broken", capture, tmp_path / "lake"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("no pyarrow here\n", "")
