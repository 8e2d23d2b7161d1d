"""What only some systems can do."""

import sys

import pytest

NEEDS_COPIES = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems do not copy processes safely"
)
"""For tests in which a process is copied by `fork`, which ssetl does on Linux only."""
