"""Captures that are read together, beside the same ones each by itself."""

from collections.abc import Sequence

import pyarrow as pa

from bothpaths import chunks, streams
from ssetl.captures.exchange import Exchange
from ssetl.fast.bodies import Body
from ssetl.fast.many import read_many
from ssetl.fast.templates import Templates
from ssetl.interleaved import read_interleaved
from ssetl.streams import Capture


def named(number: int) -> Capture:
    """A capture that nothing has been put into."""
    return Capture(f"{number:032x}")


def alone(exchanges: Sequence[Exchange]) -> list[Capture]:
    """Each by itself, in the ordinary way."""
    captures = [named(number) for number in range(len(exchanges))]
    for capture, exchange in zip(captures, exchanges, strict=True):
        for _ in read_interleaved(capture, exchange):
            pass
    return captures


def taken_together(bodies: Sequence[Body | None], exchanges: Sequence[Exchange], templates: Templates) -> str:
    """Which captures are taken, as `+` and `-`, when they are read together; each becomes what it is alone.

    `exchanges` are what they hold; those without a body are not taken.
    """
    found = iter(read_many([body for body in bodies if body], templates))
    are_taken = [body is not None and next(found) for body in bodies]
    wanted = alone(exchanges)
    captures = [body.capture if body else named(number) for number, body in enumerate(bodies)]
    for capture, expected, is_taken in zip(captures, wanted, are_taken, strict=True):
        if is_taken:
            assert +capture.counts == +expected.counts
            assert +capture.tally == +expected.tally
            assert capture.closed_bytes == expected.closed_bytes
            assert not expected.rejects
        else:
            assert not any(
                (capture.counts, capture.tally, capture.batches, capture.lived, capture.closed_bytes)
            )
    both = [
        [capture for capture, is_taken in zip(each, are_taken, strict=True) if is_taken]
        for each in (captures, wanted)
    ]
    for rows in (chunks, streams):
        these, others = (
            pa.concat_tables([rows(capture) for capture in some] or [rows(named(0))]) for some in both
        )
        place = "ordinal" if rows is streams else "byte_offset"
        keys = [("capture_id", "ascending"), (place, "ascending")]
        assert these.sort_by(keys).to_pylist() == others.sort_by(keys).to_pylist()
    return "".join("+" if each else "-" for each in are_taken)
