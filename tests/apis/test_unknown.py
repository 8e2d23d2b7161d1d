import json

from ssetl.apis import UNKNOWN
from ssetl.apis.row import flatten


def test_an_unknown_event_stands_whole_in_extra():
    chunk = {"completion": "Hello", "stopReason": "end_turn", "n": 2**70}
    [row] = flatten(UNKNOWN, chunk, "completion")
    assert json.loads(row.extra) == chunk
    assert row.choice_index is None


def test_an_unknown_event_that_is_an_error_says_so(told):
    assert told(UNKNOWN, {"error": "message content cannot be empty"}, "error") == [
        {"error_message": "message content cannot be empty"}
    ]
