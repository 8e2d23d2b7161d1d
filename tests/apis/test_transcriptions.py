import pytest

from ssetl.apis.row import flatten
from ssetl.apis.transcriptions import TRANSCRIPTIONS

USAGE = {
    "type": "tokens",
    "total_tokens": 9,
    "input_tokens": 5,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 5},
    "output_tokens": 4,
}


@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        ({"type": "transcript.text.delta", "delta": "Hi"}, {"choice_index": 0, "content": "Hi"}),
        ({"type": "transcript.text.segment", "text": "Hi", "speaker": "A"}, {}),
        (
            {"type": "transcript.text.done", "text": "Hi", "usage": USAGE},
            {"total_tokens": 9, "input_tokens": 5, "output_tokens": 4, "audio_input_tokens": 5},
        ),
    ],
)
def test_events(told, chunk, columns):
    assert TRANSCRIPTIONS.matches(chunk, None)
    assert told(TRANSCRIPTIONS, chunk) == [columns]


def test_an_ordinary_event_needs_no_extra():
    assert [
        row.extra for row in flatten(TRANSCRIPTIONS, {"type": "transcript.text.delta", "delta": "Hi"})
    ] == [None]


def test_end():
    assert TRANSCRIPTIONS.ends({"type": "transcript.text.done"}, None)
    assert not TRANSCRIPTIONS.ends({"type": "transcript.text.delta"}, None)
