"""One step ahead: in a thread only where that is worth its hand-over."""

import threading
from collections.abc import Iterator

import pytest

from ssetl.fast.ahead import ahead


def _makers(count: int) -> Iterator[tuple[int, int]]:
    for number in range(count):
        yield number, threading.get_ident()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_values_are_the_same_in_their_order(count: int) -> None:
    assert [number for number, _ in ahead(_makers(count), lambda _: True)] == list(range(count))


def test_what_is_not_worth_it_is_made_here() -> None:
    here = threading.get_ident()

    assert {maker for _, maker in ahead(_makers(1000), lambda _: False)} == {here}
    assert {maker for _, maker in ahead(_makers(1000), lambda _: True)} > {here}


def test_what_making_raises_is_raised_here() -> None:
    def values() -> Iterator[int]:
        yield from range(10)
        raise ValueError("damaged")

    made = ahead(values(), lambda _: True)

    assert [next(made) for _ in range(10)] == list(range(10))
    with pytest.raises(ValueError, match="damaged"):
        next(made)
