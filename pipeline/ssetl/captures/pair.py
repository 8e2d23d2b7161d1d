"""One request and its response in one object, as the Datadog test agent and many small proxies write it.

Bodies are text, parsed JSON, or `base64:` and base64.
"""

from collections.abc import Iterator
from typing import Any, Final

from ssetl import times
from ssetl.captures import bodies, recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange

_MARK: Final = "base64:"
_TIMES: Final = ("timestamp", "started_at", "start_time", "time", "ts")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    request, response = value.get("request"), value.get("response")
    return (
        isinstance(request, dict)
        and isinstance(response, dict)
        and any(key in request for key in ("url", "uri", "path", "method"))
        and any(key in response for key in ("status", "status_code", "statusCode", "body", "headers"))
    )


def _exchanges(pair: Any) -> Iterator[Exchange]:
    request, response = pair["request"], pair["response"]
    stamps = (
        times.parse_instant(str(side[key])) for side in (pair, request) for key in _TIMES if key in side
    )
    yield recorded.exchange(
        _body(response),
        status=next(
            (response[key] for key in ("status", "status_code", "statusCode") if key in response), None
        ),
        url=next((request[key] for key in ("url", "uri", "path") if key in request), None),
        request_headers=request.get("headers"),
        request_body=request.get("body"),
        response_headers=response.get("headers"),
        started_at=next((at for at in stamps if at is not None), None),
    )


def _body(response: Any) -> list[Any]:
    body = response.get("body")
    if isinstance(body, str) and body.startswith(_MARK):
        encoding = recorded.headers(response.get("headers")).get("content-encoding", "")
        return bodies.pieces(body.removeprefix(_MARK), encoding=encoding, is_base64=True)
    return recorded.body_of(body, response.get("headers"))


SCHEMA = Schema("pair", _matches, _exchanges)
