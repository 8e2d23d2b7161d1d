"""Small captures become the same with shared templates; and what is known is really not decoded again."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import CAPTURE_ID, DONE, choice, chunk, data, finish, role, table, text, usage
from ssetl import interleaved
from ssetl.captures.exchange import Exchange, Line, Piece, Read
from ssetl.fast import small
from ssetl.fast.templates import Templates, shared_templates
from ssetl.sse import Parser
from ssetl.streams import Capture


def ordinary(body: Sequence[Piece], **known: str) -> Capture:
    capture = Capture(CAPTURE_ID)
    for _ in interleaved.read_interleaved(capture, Exchange(body, single=False, **known)):
        pass
    return capture


def shared(body: Sequence[Piece], templates: Templates, **known: str) -> Capture:
    capture = Capture(CAPTURE_ID)
    for _ in small.read_small(capture, Exchange(body, single=False, **known), templates):
        pass
    return capture


def assert_same(found: Capture, wanted: Capture) -> None:
    assert found.placed == wanted.placed
    assert found.streams == wanted.streams
    assert found.rejects == wanted.rejects
    assert +found.tally == +wanted.tally
    assert +found.counts == +wanted.counts
    assert found.closed_bytes == wanted.closed_bytes


def typed(kind: str, **members: object) -> bytes:
    return f"event: {kind}\n".encode() + data({"type": kind, **members})


def chat(name: str, words: Sequence[str]) -> list[bytes]:
    return [role(name), *(text(word, name) for word in words), finish(name), usage(name, len(words)), DONE]


def message(name: str, words: Sequence[str]) -> list[bytes]:
    begun = {"id": name, "role": "assistant", "model": "m", "usage": {"input_tokens": len(name)}}
    return [
        typed("message_start", message=begun),
        typed("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(
            typed("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
            for word in words
        ),
        typed("content_block_stop", index=0),
        typed("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": len(words)}),
        typed("message_stop"),
    ]


def response(name: str, words: Sequence[str]) -> list[bytes]:
    begun = {"id": name, "object": "response", "created_at": 1745205719, "model": "m"}
    return [
        typed("response.created", sequence_number=0, response={**begun, "status": "in_progress"}),
        *(
            typed("response.output_text.delta", sequence_number=n, item_id="i", delta=word)
            for n, word in enumerate(words, 1)
        ),
        typed("response.completed", sequence_number=99, response={**begun, "status": "completed"}),
    ]


Kind = Callable[[str, Sequence[str]], list[bytes]]
KINDS: dict[str, Kind] = {"chat": chat, "messages": message, "responses": response}
STRANGE = [
    b": keep-alive\n\n",
    b": t 2025-04-21T03:21:59.483112Z\n",
    b": request 2025-04-21T03:21:59.120000Z POST /v1\n",
    b"event: error\n",
    b"event: x\n",
    b"\n",
    b"data: {\n\n",
    b"data:\n\n",
    b'error: {"message": "no"}\n',
    b'{"error": {"message": "no"}}\n',
    b"\xef\xbb\xbf",
    b"log line\n",
    b'data: {"id": 1}\n\n',
    DONE,
    finish("b"),
    role("a"),
    text("x", ""),
    text("x", None),
    text("\u4e2d", "a", 1),
    data(chunk("a", [choice(0, content="x"), choice(1, content="y")])),
    data({"error": {"message": "no", "type": "t"}}),
]

words = st.lists(st.sampled_from(["a", " b", "\u4e2d", '"', "\\", "\n"]), max_size=5)
names = st.sampled_from(["a", "b", "chatcmpl-1"])
whole = st.builds(
    lambda kind, name, said: kind(name, said), st.sampled_from(list(KINDS.values())), names, words
)
events = st.lists(st.one_of(whole, st.sampled_from(STRANGE).map(lambda event: [event])), max_size=4).map(
    lambda several: [event for events in several for event in events]
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Streams, strange things between and within them, and other ends of lines and files."""
    found = draw(events)
    for _ in range(draw(st.integers(0, 2))):
        found.insert(draw(st.integers(0, len(found))), draw(st.sampled_from(STRANGE)))
    body = b"".join(found)
    old, new = draw(
        st.sampled_from([(b"", b""), (b"\n\n", b"\n"), (b"\n", b"\r\n"), (b"\n", b"\r"), (b": ", b":")])
    )
    body = body.replace(old, new) if old else body
    return body[: len(body) - draw(st.sampled_from([0, 0, 1, 2, 7]))]


@given(st.lists(bodies(), max_size=6))
def test_captures_become_the_same_whatever_was_read_before(files: list[bytes]) -> None:
    templates = shared_templates()
    for file in [*files, *files]:
        assert_same(shared([Read(file)], templates), ordinary([Read(file)]))


@pytest.mark.parametrize("crlf", [False, True])
@pytest.mark.parametrize("end", [b"\n\n", b"\n", b"", b"\n\n\n"])
@table("kind", KINDS)
def test_a_capture_like_one_before_is_not_decoded(
    kind: Kind, end: bytes, crlf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = shared_templates()

    def body(name: str, said: Sequence[str]) -> bytes:
        file = b"".join(kind(name, said)).removesuffix(b"\n\n") + end
        return file.replace(b"\n", b"\r\n") if crlf else file

    shared([Read(body("a", "pqrs"))], templates)
    file = body("another", "tuvwxyz")
    wanted = ordinary([Read(file)])

    def refuse(text: bytes, _type: str | None) -> object:
        raise AssertionError(text)

    monkeypatch.setattr(small, "event_parser", lambda: Parser(refuse))
    assert_same(shared([Read(file)], templates), wanted)
    assert wanted.counts["streams"] == 1


def test_lines_without_blank_lines_are_known_too(monkeypatch: pytest.MonkeyPatch) -> None:
    templates = shared_templates()
    lines = [b"".join(chat(name, "pqrs")).replace(b"\n\n", b"\n") for name in ("a", "b")]
    assert_same(shared([Read(lines[0])], templates), ordinary([Read(lines[0])]))
    looked = []
    monkeypatch.setattr(Parser, "feed", lambda _parser, text: looked.append(text) or [])
    wanted = [event.rows[0].content for event in shared([Read(lines[1])], templates).placed]
    assert (looked, wanted) == ([], ["", *"pqrs", None, None])


def test_what_the_container_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    templates = shared_templates()
    file = [Read(b"".join(chat("a", "pq")))]
    shared(file, templates)
    found = shared(file, templates, url="https://api.example.com/v1")
    assert_same(found, ordinary(file, url="https://api.example.com/v1"))
    assert found.streams[0]["url"] == "https://api.example.com/v1"


@table(
    "body",
    {
        "times": [Read(b"".join(chat("a", "pq")), received_at=5)],
        "several reads": [Read(role()), Read(text("x") + DONE)],
        "lines": [Line(role().strip(), 0, 80), Line(b"", 80, 1)],
        "nothing": [],
    },
)
def test_other_bodies_are_read_in_the_ordinary_way(body: list[Piece]) -> None:
    templates = shared_templates()
    shared([Read(b"".join(chat("a", "pq")))], templates)
    assert_same(shared(body, templates), ordinary(body))


def test_a_capture_of_strangers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    templates = shared_templates()
    asked = []
    find = templates.find
    monkeypatch.setattr(templates, "find", lambda text: asked.append(text) or find(text))
    several = msgspec.json.encode(chunk("a", [choice(0, content="x"), choice(1, content="y")]))
    file = (b"data: " + several + b"\n\n") * 50
    assert_same(shared([Read(file)], templates), ordinary([Read(file)]))
    assert len(asked) == small.MAX_MISSES + 1


def test_events_with_times_are_not_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event for name in ("a", "b") for event in chat(name, ["A", "B", "C"])]
    stamps = [b": t 2025-04-21T03:21:59.%06dZ\n" % (n * 977) for n in range(len(events))]
    body = [Read(b"".join(stamp + event for stamp, event in zip(stamps, events, strict=True)))]
    templates = shared_templates()
    assert_same(shared(body, templates), ordinary(body))
    monkeypatch.setattr(Parser, "feed", lambda *_: pytest.fail("parsed"))
    again = shared(body, templates)
    assert again.counts["events"] == 12
    assert all(event.received_at for event in again.placed)
