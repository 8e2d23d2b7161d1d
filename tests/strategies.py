"""Hypothesis strategies: bodies as servers send them and as disks ruin them, and cuts through bodies."""

from itertools import pairwise

import msgspec
from hypothesis import strategies as st

from reading import choice, chunk

BOM = b"\xef\xbb\xbf"

IDS = st.sampled_from(["a", "b", "", None])
TEXTS = st.sampled_from(["", "Hi", "é\u2028", " {[", "data: x", "[DONE]", "\r\n"])
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])

CHOICES = st.builds(
    choice,
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([None, None, None, "stop", "length"]),
    content=st.one_of(st.none(), TEXTS),
    role=st.sampled_from([None, None, "assistant"]),
)
USAGE = st.sampled_from([None, None, None, {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}])
CHUNKS = st.builds(chunk, IDS, st.lists(CHOICES, max_size=2), usage=USAGE)
ERRORS = st.sampled_from([{"error": {"message": "no", "type": "t"}}, {"error": "no"}, {"detail": "no"}])
OTHERS = st.sampled_from([{}, {"type": "ping"}, {"a": [1, {"b": None}]}, {"level": "info", "msg": "up"}])
VALUES = st.one_of(CHUNKS, CHUNKS, CHUNKS, ERRORS, OTHERS)


def _compact(value: object) -> bytes:
    return msgspec.json.encode(value)


def _pretty(value: object) -> list[bytes]:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).split(b"\n")


GARBAGE = st.one_of(
    st.binary(max_size=12).filter(lambda text: b"\n" not in text and b"\r" not in text),
    st.sampled_from(
        [b"2025-04-21 GET /v1 200", b'{"cut', b"{", b"[", b"}", b"]", b"[INFO] x,", b"data", b"event", b"\t"]
    ),
)
COMMENTS = st.sampled_from(
    [
        b":",
        b": keep-alive",
        b": t 2025-04-21T03:21:59.483112Z",
        b": t 2025-04-21T03:21:59.999Z",
        b": t 2025-04-21T03:20:00Z",
        b": t soon",
        b": request 2025-04-21T03:21:59.120000Z POST /v1/chat/completions",
    ]
)
FIELDS = st.sampled_from(
    [b"event: message", b"event:error", b"event: output", b"event", b"id: 7", b"retry:1"]
)

_data = VALUES.map(lambda value: [b"data: " + _compact(value)])
LINES = st.one_of(
    _data,
    _data.map(lambda lines: [*lines, b""]),
    _data.map(lambda lines: [*lines, b""]),
    VALUES.map(lambda value: [b"data:" + line for line in _pretty(value)]),
    _data.map(lambda lines: [b" " + line for line in lines]),
    GARBAGE.map(lambda text: [b"data: " + text]),
    GARBAGE.map(lambda text: [text]),
    st.just([b"data: [DONE]"]),
    st.just([b"data: [DONE]", b""]),
    st.just([b""]),
    COMMENTS.map(lambda line: [line]),
    FIELDS.map(lambda line: [line]),
    VALUES.map(lambda value: [_compact(value)]),
    VALUES.map(_pretty),
    VALUES.map(lambda value: [b"error: " + _compact(value)]),
)
"""Lines that belong together, without their line ends."""


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A body of event stream lines and of what else is found among them."""
    lines = [line for some in draw(st.lists(LINES, max_size=12)) for line in some]
    end = draw(LINE_ENDS)
    ends = st.just(end) if draw(st.booleans()) else LINE_ENDS
    body = b"".join(line + draw(ends) for line in lines)
    if draw(st.booleans()):
        body = body.rstrip(b"\r\n")
    return BOM + body if draw(st.integers(0, 9)) == 0 else body


@st.composite
def mutated(draw: st.DrawFn, given: st.SearchStrategy[bytes]) -> bytes:
    """A body with a few bytes changed, lost or put in."""
    body = bytearray(draw(given))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(body)))
        body[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(body)


ANY_BODY = st.one_of(bodies(), mutated(bodies()), st.binary(max_size=200))
"""Bytes that may or may not be an event stream."""


def cuts(body: bytes) -> st.SearchStrategy[list[bytes]]:
    """`body` in pieces; some may be empty."""

    def cut(places: list[int]) -> list[bytes]:
        borders = [0, *sorted(places), len(body)]
        return [body[start:end] for start, end in pairwise(borders)]

    each_byte = st.just(list(range(1, len(body))))
    return st.one_of(st.lists(st.integers(0, len(body)), max_size=8), each_byte).map(cut)
