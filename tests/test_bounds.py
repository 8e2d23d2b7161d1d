import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ssetl.bounds import bounded


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


DEAF = """
import os, signal, time
from ssetl import bounds
signal.signal(signal.SIGINT, lambda *_: None)
bounds.PATIENCE = 0.01
with bounds.bounded():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
"""


def test_who_does_not_heed_a_signal_is_ended() -> None:
    done = run(DEAF)
    assert (done.returncode, done.stderr) == (130, "ssetl: error: interrupted.\n")


def test_a_second_signal_is_heeded_at_once() -> None:
    done = run(
        DEAF.replace("0.01", "60").replace("    time", "    os.kill(os.getpid(), signal.SIGINT)\n    time")
    )
    assert done.returncode == 130


def test_who_heeds_a_signal_ends_in_its_own_way() -> None:
    with pytest.raises(KeyboardInterrupt), bounded():
        signal.raise_signal(signal.SIGINT)


def test_what_was_bounded_is_free_again() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded():
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit does not cover all memory")
@pytest.mark.parametrize("value", ["repeat('x', 4000000000)", "list_sum(range(500000000))"])
def test_a_function_that_eats_memory_ends_with_a_message(dataset: Path, value: str) -> None:
    code = "import resource as r, sys; r.setrlimit(r.RLIMIT_DATA, (2 << 30,) * 2); from ssetl import cli; "
    code += "sys.exit(cli.run(sys.argv[1:]))"
    done = run(code, "sql", f"select length({value}::varchar)", "--dataset", str(dataset))
    assert done.returncode == 1
    assert "needs more memory or temporary space than it may take" in done.stderr
