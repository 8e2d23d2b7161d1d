"""Recordings of Mastra's llm-recorder: reads in `chunks`, milliseconds between them in `chunkTimings`.

The recorder notes when it sends the request, but counts the first read from when the headers came. So the
times of the reads are right among themselves and early by the wait for the headers, and the request time
must not be subtracted from them: it is where the exchange began and no more.
"""

from collections.abc import Iterator
from typing import Any

from ssetl import times
from ssetl.captures import recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange, Piece, Read


def _matches(value: Any) -> bool:
    recordings = _recordings(value)
    return bool(recordings) and all(
        isinstance(each, dict)
        and isinstance(each.get("request"), dict)
        and isinstance(each.get("response"), dict)
        and "isStreaming" in each["response"]
        for each in recordings
    )


def _recordings(value: Any) -> list[Any]:
    found = value.get("recordings") if isinstance(value, dict) else value
    return found if isinstance(found, list) else []


def _exchanges(document: Any) -> Iterator[Exchange]:
    for each in _recordings(document):
        request, response = each["request"], each["response"]
        started_at = times.parse_instant(str(request.get("timestamp", "")))
        chunks = response.get("chunks")
        yield recorded.exchange(
            _reads(chunks, response.get("chunkTimings"), started_at)
            if isinstance(chunks, list)
            else recorded.body_of(response.get("body"), response.get("headers")),
            status=response.get("status"),
            url=request.get("url"),
            request_headers=request.get("headers"),
            request_body=request.get("body"),
            response_headers=response.get("headers"),
            started_at=started_at,
            clock="arrival_read",
        )


def _reads(chunks: list[Any], timings: Any, started_at: int | None) -> Iterator[Piece]:
    known = isinstance(timings, list) and len(timings) == len(chunks)
    waits = timings if known and all(isinstance(each, (int, float)) for each in timings) else None
    at = started_at
    for position, chunk in enumerate(chunks):
        if at is not None and waits is not None:
            at += int(waits[position] * 1000)
        yield Read(str(chunk).encode("utf-8", "replace"), at if waits is not None else None)


SCHEMA = Schema("mastra", _matches, _exchanges)
