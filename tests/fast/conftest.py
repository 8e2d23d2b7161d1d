"""What tests of the fast path share."""

from collections.abc import Iterator

import pytest

from ssetl.fast import reading


@pytest.fixture(scope="module")
def any_block_is_large_enough() -> Iterator[None]:
    """Small files go the fast way, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "MIN_BLOCK", 0)
        yield
