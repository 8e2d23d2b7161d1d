"""Cassettes of Go (go-vcr 1 to 3): `interactions` whose requests have a `url` and whose bodies are text."""

from collections.abc import Iterator
from typing import Any

from ssetl.captures import recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange


def _matches(value: Any) -> bool:
    interactions = value.get("interactions") if isinstance(value, dict) else None
    if not isinstance(interactions, list) or not interactions or not isinstance(interactions[0], dict):
        return False
    request, response = interactions[0].get("request"), interactions[0].get("response")
    return (
        isinstance(request, dict)
        and isinstance(response, dict)
        and isinstance(request.get("url"), str)
        and not isinstance(response.get("body"), dict)
        and isinstance(response.get("code", response.get("status")), (int, str))
    )


def _exchanges(cassette: Any) -> Iterator[Exchange]:
    for each in cassette["interactions"]:
        request = each.get("request") if isinstance(each, dict) else None
        response = each.get("response") if isinstance(each, dict) else None
        if isinstance(request, dict) and isinstance(response, dict):
            yield recorded.exchange(
                recorded.body_of(response.get("body"), response.get("headers")),
                status=response.get("code") or response.get("status"),
                url=request.get("url"),
                request_headers=request.get("headers"),
                request_body=request.get("body"),
                response_headers=response.get("headers"),
            )


SCHEMA = Schema("go-vcr", _matches, _exchanges)
