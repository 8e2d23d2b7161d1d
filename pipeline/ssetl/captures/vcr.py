"""VCR cassettes of Python (vcrpy): `interactions`, YAML or JSON.

Older cassettes hold two lists side by side, `requests` and `responses`. Some projects write parsed JSON
as `parsed_body`, and vcrpy's httpx stub once wrote the body as `content`.
"""

from collections.abc import Iterator
from typing import Any

from ssetl.captures import recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and (
        isinstance(value.get("interactions"), list)
        or (isinstance(value.get("requests"), list) and isinstance(value.get("responses"), list))
    )


def _exchanges(cassette: Any) -> Iterator[Exchange]:
    interactions = cassette.get("interactions")
    if isinstance(interactions, list):
        for each in interactions:
            if isinstance(each, dict) and ("request" in each or "response" in each):
                yield _exchange(each.get("request"), each.get("response"))
    else:
        for request, response in zip(cassette["requests"], cassette["responses"], strict=False):
            yield _exchange(request, response)


def _exchange(request: Any, response: Any) -> Exchange:
    request = request if isinstance(request, dict) else {}
    response = response if isinstance(response, dict) else {}
    bodies = (
        recorded.body_of(response.get(key), response.get("headers"))
        for key in ("body", "content", "parsed_body")
    )
    return recorded.exchange(
        next(filter(None, bodies), []),
        status=response.get("status", response.get("status_code")),
        url=request.get("uri", request.get("url")),
        request_headers=request.get("headers"),
        request_body=request.get("body", request.get("parsed_body")),
        response_headers=response.get("headers"),
    )


SCHEMA = Schema("vcr", _matches, _exchanges)
