"""Signals that stop a process do so wherever they come."""

import os
import subprocess
import sys

import pytest

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

IN_A_DESTRUCTOR = """
import os, signal, time
from ssetl import cli, stopping
class Late:
    def __del__(self):
        os.kill(os.getpid(), signal.{kind})
        time.sleep(0)
def command(*_, **__):
    Late()
    time.sleep(600)
cli.ssetl.main = command
cli.main()
"""

IN_A_LIBRARY = """
import os, signal, time
from ssetl import cli, stopping
def command(*_, **__):
    try:
        os.kill(os.getpid(), signal.{kind})
        time.sleep(600)
    except BaseException:
        raise ValueError("what the library makes of it") from None
cli.ssetl.main = command
cli.main()
"""


@pytest.mark.parametrize("kind", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("code", [IN_A_DESTRUCTOR, IN_A_LIBRARY], ids=["destructor", "library"])
def test_a_signal_is_not_lost(code: str, kind: str) -> None:
    command = [sys.executable, "-c", code.format(kind=kind)]
    done = subprocess.run(
        command,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    status, word = {"SIGTERM": (143, "terminated"), "SIGINT": (130, "interrupted")}[kind]
    assert done.returncode == status, done.stderr
    assert done.stderr == f"ssetl: error: {word}. What was complete before is kept.\n"
