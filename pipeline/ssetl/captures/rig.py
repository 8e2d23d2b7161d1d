"""Cassettes of httpmock (Rust), as rig keeps them: one YAML document per exchange, `when` and `then`."""

from collections.abc import Iterator
from typing import Any

from ssetl.captures import bodies, recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange


def _matches(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("when"), dict)
        and isinstance(value.get("then"), dict)
    )


def _exchanges(document: Any) -> Iterator[Exchange]:
    when, then = document["when"], document["then"]
    encoding = recorded.headers(then.get("header")).get("content-encoding", "")
    yield recorded.exchange(
        bodies.pieces(then.get("body"), encoding=encoding, is_base64=then.get("body_encoding") == "base64"),
        status=then.get("status"),
        url=when.get("url", when.get("path")),
        request_headers=when.get("header"),
        request_body=when.get("body", when.get("json_body")),
        response_headers=then.get("header"),
    )


SCHEMA = Schema("rig", _matches, _exchanges)
