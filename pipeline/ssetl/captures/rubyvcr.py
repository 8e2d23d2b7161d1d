"""VCR cassettes of Ruby: `http_interactions`, bodies as text, `!binary` or `base64_string`."""

from collections.abc import Iterator
from typing import Any

from ssetl import times
from ssetl.captures import recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("http_interactions"), list)


def _exchanges(cassette: Any) -> Iterator[Exchange]:
    for each in cassette["http_interactions"]:
        request = each.get("request") if isinstance(each, dict) else None
        response = each.get("response") if isinstance(each, dict) else None
        if not isinstance(request, dict) or not isinstance(response, dict):
            continue
        answer = response.get("headers")
        dated = "date" in recorded.headers(answer)  # when it was recorded is only when it ended
        yield recorded.exchange(
            recorded.body_of(response.get("body"), answer),
            status=response.get("status"),
            url=request.get("uri"),
            request_headers=request.get("headers"),
            request_body=request.get("body"),
            response_headers=answer,
            started_at=None if dated else times.parse_http_date(str(each.get("recorded_at", ""))),
        )


SCHEMA = Schema("ruby-vcr", _matches, _exchanges)
