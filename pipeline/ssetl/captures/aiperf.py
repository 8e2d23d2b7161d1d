"""AIPerf's `profile_export_raw.jsonl`: one request a line, each event with the time it was seen.

Events are stamped by a monotonic clock, in nanoseconds; request start on both clocks ties it to UTC. What
is finer than a microsecond is cut off.
"""

from collections.abc import Iterator
from typing import Any

from ssetl.captures import bodies, recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange, Piece, Read


def _matches(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("metadata"), dict)
        and "start_perf_ns" in value
        and isinstance(value.get("responses"), (list, type(None)))
    )


def _exchanges(request: Any) -> Iterator[Exchange]:
    metadata = request["metadata"]
    started_ns, started_perf_ns = metadata.get("request_start_ns"), request["start_perf_ns"]
    tied = type(started_ns) is int and type(started_perf_ns) is int
    error = request.get("error")
    status = request.get("status")
    yield recorded.exchange(
        _body(request.get("responses") or [], started_ns - started_perf_ns if tied else None, error),
        status=(error.get("code") if isinstance(error, dict) else None) if status is None else status,
        request_headers={"x-request-id": metadata.get("x_request_id"), **_headers(request)},
        request_body=request.get("payload"),
        request_sent_at=started_ns // 1000 if type(started_ns) is int else None,
    )


def _headers(request: Any) -> dict[str, str]:
    return dict(recorded.headers(request.get("request_headers")))


def _body(responses: list[Any], epoch_ns: int | None, error: Any) -> Iterator[Piece]:
    """The event stream put together again: one read per event."""
    for response in responses:
        if not isinstance(response, dict):
            continue
        perf_ns = response.get("perf_ns")
        at = (epoch_ns + perf_ns) // 1000 if epoch_ns is not None and isinstance(perf_ns, int) else None
        yield Read(_text(response), at)
    if error is not None:
        yield Read(bodies.json_text({"error": error}) + b"\n")


def _text(response: dict[str, Any]) -> bytes:
    packets = response.get("packets")
    if not isinstance(packets, list):
        return str(response.get("text", "")).encode("utf-8", "replace")
    lines = [
        f"{'' if packet.get('name') == 'comment' else packet.get('name', 'data')}: {line}"
        for packet in packets
        if isinstance(packet, dict)
        for line in str(packet.get("value", "")).split("\n")
    ]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


SCHEMA = Schema("aiperf", _matches, _exchanges)
