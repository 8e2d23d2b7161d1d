"""What tests of containers share."""

from collections.abc import Iterator

import pytest

from ssetl.captures import linelog


@pytest.fixture(scope="module")
def any_read_is_large_enough() -> Iterator[None]:
    """Few lines are looked at together, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linelog, "AT_ONCE", 1)
        yield
