"""Recordings of the Azure SDK test proxy, which OpenAI's .NET library uses too: `Entries`.

A response body is parsed JSON, a text, the lines of a text, or base64.
"""

from collections.abc import Iterator
from typing import Any

from ssetl.captures import recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange


def _matches(value: Any) -> bool:
    entries = value.get("Entries") if isinstance(value, dict) else None
    return isinstance(entries, list) and all(_is_entry(each) for each in entries)


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and "RequestUri" in value


def _exchanges(recording: Any) -> Iterator[Exchange]:
    for entry in recording["Entries"]:
        yield recorded.exchange(
            recorded.body_of(entry.get("ResponseBody"), entry.get("ResponseHeaders")),
            status=entry.get("StatusCode"),
            url=entry.get("RequestUri"),
            request_headers=entry.get("RequestHeaders"),
            request_body=entry.get("RequestBody"),
            response_headers=entry.get("ResponseHeaders"),
        )


SCHEMA = Schema("azure-test-proxy", _matches, _exchanges)
