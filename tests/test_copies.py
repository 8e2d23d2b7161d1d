"""Copies of the process: they end with their parent, hold nothing of it and never clean up for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from platforms import NEEDS_COPIES
from ssetl import files

pytestmark = NEEDS_COPIES

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

ORPHANED = """
import os, sys, time
from pathlib import Path
from ssetl import copies, files
files.hold(Path(sys.argv[1]))
told, tell = os.pipe()
copies.copy(lambda: (os.write(tell, b"."), time.sleep(600)), {tell})
os.read(told, 1)
print("copied", flush=True)
time.sleep(600)
"""


def test_a_copy_ends_when_its_parent_is_killed_and_holds_no_file_of_it(tmp_path: Path) -> None:
    temporary = tmp_path / ".part.tmp"
    command = [sys.executable, "-c", ORPHANED, str(temporary)]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "copied\n"
        assert not files.is_abandoned(temporary)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert files.is_abandoned(temporary)
        # The copy has the same standard output: it ends when both have.
        assert running.communicate(timeout=60)[0] == ""


HIT_AT_ONCE = """
import os, signal
from ssetl import copies, stopping
fork = os.fork
def forked():
    pid = fork()
    if pid == 0:
        os.kill(os.getpid(), signal.{kind})
    return pid
os.fork = forked
stopping.listen()
try:
    pid = copies.copy(lambda: print("worked", flush=True), set())
    os.waitpid(pid, 0)
finally:
    print("cleaned up", flush=True)
"""


@pytest.mark.parametrize(("kind", "told"), [("SIGTERM", []), ("SIGINT", ["worked"])])
def test_a_signal_that_meets_a_copy_at_its_start_is_not_its_parents(kind: str, told: list[str]) -> None:
    command = [sys.executable, "-c", HIT_AT_ONCE.format(kind=kind)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert (done.stdout.split("\n"), done.stderr) == ([*told, "cleaned up", ""], "")
