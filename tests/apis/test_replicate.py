import pytest

from ssetl.apis import decode_data
from ssetl.apis.replicate import REPLICATE


@pytest.mark.parametrize(
    ("event_type", "data", "columns"),
    [
        ("output", b":\n\nWhy", {"choice_index": 0, "content": ":\n\nWhy"}),
        ("output", b"", {"choice_index": 0, "content": ""}),
        ("logs", b"step 1", {}),
        ("error", b"CUDA out of memory", {"error_message": "CUDA out of memory"}),
        ("done", b"{}", {}),
        ("done", b'{"reason":"canceled"}', {"choice_index": 0, "finish_reason": "canceled"}),
    ],
)
def test_events(told, event_type, data, columns):
    assert told(REPLICATE, decode_data(data, event_type), event_type) == [columns]


def test_recognition_and_end():
    assert REPLICATE.matches({"text": "Hi"}, "output")
    assert not REPLICATE.matches({"text": "Hi"}, "error")
    assert not REPLICATE.matches({"text": "Hi", "index": 0}, "output")
    assert REPLICATE.ends({}, "done")
    assert not REPLICATE.ends({"text": "done"}, "output")
