"""Recordings of llama-stack's tests: one exchange, its chunks as the client library's objects.

`{"__type__": …, "__data__": {…}}` is one such object. A streamed body is a list of them, or of the lines
of an event stream. A failure is written as the exception that the client library made of it.
"""

from collections.abc import Iterator
from typing import Any

from ssetl.captures import bodies, recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange, Payload, Piece, Read


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("request"), dict):
        return False
    response = value.get("response")
    return isinstance(response, dict) and "is_streaming" in response and "body" in response


def _exchanges(recording: Any) -> Iterator[Exchange]:
    request, response = recording["request"], recording["response"]
    asked = request.get("body")
    failure = response.get("exception_data")
    failure = failure if isinstance(failure, dict) else {}
    yield recorded.exchange(
        _body(response, failure),
        status=response.get("status", failure.get("status_code")),
        url=request.get("url", request.get("endpoint")),
        request_headers=request.get("headers"),
        request_body=asked if recorded.model_of(asked) else {"model": request.get("model")},
        response_headers=response.get("headers"),
    )


def _body(response: Any, failure: dict[str, Any]) -> list[Piece]:
    body = response["body"]
    if not response["is_streaming"] or not isinstance(body, list):
        pieces = bodies.pieces(_data(body))
    elif body and all(isinstance(each, str) for each in body):
        pieces = bodies.pieces(body)
    else:
        pieces = []
        for each in body:
            _append(pieces, _data(each))
    if response.get("is_exception"):
        message = failure.get("message", response.get("exception_message"))
        _append(pieces, {"error": {"type": failure.get("type"), "message": message}}, bare=True)
    return pieces


def _append(pieces: list[Piece], value: Any, *, bare: bool = False) -> None:
    last = pieces[-1] if pieces else None
    end = 0 if last is None else len(last.data) if isinstance(last, Read) else last.offset + last.size
    text = bodies.json_text(value)
    pieces.append(Payload(text, end, len(text), bare=bare))


def _data(value: Any) -> Any:
    return value["__data__"] if isinstance(value, dict) and "__data__" in value else value


SCHEMA = Schema("llama-stack", _matches, _exchanges)
