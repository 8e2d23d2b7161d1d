"""Response files of the Gemini CLI's tests: one call a line, `{"method": …, "response": …}`.

The response of `generateContentStream` is the list of its chunks.
"""

from collections.abc import Iterator
from typing import Any

from ssetl.captures import bodies, recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange, Payload, Piece


def _matches(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("method"), str)
        and isinstance(value.get("response"), (dict, list))
        and value.keys() <= {"method", "response", "request", "model"}
    )


def _exchanges(call: Any) -> Iterator[Exchange]:
    response = call["response"]
    streamed = isinstance(response, list) and call["method"].endswith("Stream")
    yield recorded.exchange(
        _chunks(response) if streamed else bodies.pieces(response), request_body=call.get("request")
    )


def _chunks(response: list[Any]) -> Iterator[Piece]:
    offset = 0
    for chunk in response:
        text = bodies.json_text(chunk)
        yield Payload(text, offset, len(text))
        offset += len(text)


SCHEMA = Schema("gemini-cli", _matches, _exchanges)
