"""Fixtures of req_llm (Elixir): one exchange, its network reads as base64 in `chunks`."""

from collections.abc import Iterator
from typing import Any

from ssetl import times
from ssetl.captures import bodies, recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange, Piece


def _matches(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and ("model_spec" in value or ("captured_at" in value and "chunks" in value))
        and isinstance(value.get("request"), dict)
        and isinstance(value.get("response"), dict)
    )


def _exchanges(fixture: Any) -> Iterator[Exchange]:
    request, response = fixture["request"], fixture["response"]
    asked = request.get("canonical_json")
    yield recorded.exchange(
        _body(fixture),
        status=response.get("status"),
        url=request.get("url"),
        request_headers=request.get("headers"),
        request_body=asked if recorded.model_of(asked) else _model(fixture),
        response_headers=response.get("headers"),
        started_at=times.parse_instant(str(fixture.get("captured_at", ""))),
    )


def _body(fixture: Any) -> list[Piece]:
    response = fixture["response"]
    chunks = fixture.get("chunks")
    if not isinstance(chunks, list) or not chunks:
        return recorded.body_of(response.get("body"), response.get("headers"))
    texts = [str(chunk.get("b64", "")) for chunk in chunks if isinstance(chunk, dict)]
    encoding = recorded.headers(response.get("headers")).get("content-encoding", "")
    parts: list[bytes] = []
    damage: list[bodies.NotDecodable] = []
    for text in texts:
        try:
            parts.append(bodies.unbase64(text.encode()))
        except bodies.NotDecodable as why:
            parts.append(why.good)
            damage.append(why)
    pieces = bodies.pieces(b"".join(parts), encoding=encoding)
    return pieces + [why.gap(sum(map(len, parts))) for why in damage[:1]]


def _model(fixture: Any) -> dict[str, Any]:
    """`model_spec` is `provider:model`."""
    return {"model": str(fixture.get("model_spec", "")).partition(":")[2]}


SCHEMA = Schema("req_llm", _matches, _exchanges)
