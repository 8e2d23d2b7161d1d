"""A large dataset with arrival times, for the reports: one small ingest, repeated under other ids.

    python tests/benchmarks/lake.py DATASET [--rows 10000000]

The ingest is of 440 streams of five models with, among them, reasoning, tool calls, keep-alives, stalls,
truncated and failed streams, and streams without a clock. Each repetition has ids and times of its own.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import ssetl
from ssetl import plan, schema
from ssetl.dataset import Dataset
from ssetl.parts import PartWriter

STREAMS: Final = 440
SPACING: Final = timedelta(seconds=1.5)
"""From one request to the next."""

PARTS: Final = 10
IDS: Final = ("stream_id", "capture_id", "response_id")

_MODELS: Final = ("gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06", "o3-mini", "claude-x", "llama-3")
_START: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)


def _deltas(n: int, source: random.Random) -> Iterator[tuple[dict[str, object] | None, str | None]]:
    """Delta and finish reason of each event of a stream; a delta of None is an error."""
    length = 12 + min(int(source.lognormvariate(5.1, 0.7)), 2000)
    calls = n % 11 == 3
    yield {"role": "assistant", "content": ""}, None
    for place in range(length):
        text = f" w{source.randrange(2000)}"
        if n % 5 == 2 and place < length // 2:
            yield {"reasoning_content": text}, None
        elif calls and place >= length - 12:
            yield {"tool_calls": [_piece(place - length + 12)]}, None
        else:
            yield {"content": text}, None
    if n % 97 == 13:
        yield None, None
    elif n % 50 != 7:  # these are cut off
        yield {}, "tool_calls" if calls else "stop"


def _piece(place: int) -> dict[str, object]:
    """A piece of two tool calls, six pieces each."""
    index, at = divmod(place, 6)
    if at == 0:
        call = {"name": ("search", "fetch")[index], "arguments": ""}
        return {"index": index, "id": f"call_{index}", "type": "function", "function": call}
    return {"index": index, "function": {"arguments": ("", '{"', 'q":', ' "', "so", '"}')[at]}}


def _lines(n: int, source: random.Random) -> Iterator[str]:
    """A stream as ssetl's own capture format has it; one in ten without any time."""
    clocked = n % 10 != 9
    now = _START + n * SPACING
    chunk = {
        "id": f"chatcmpl-{n}",
        "object": "chat.completion.chunk",
        "created": int(now.timestamp()),
        "model": _MODELS[n % 5],
        "system_fingerprint": f"fp_{n // 60}",
    }
    if clocked:
        yield f": request {now:%Y-%m-%dT%H:%M:%S.%fZ} POST /v1/chat/completions\n"
    now += timedelta(milliseconds=source.gammavariate(3, 150))
    for events, (delta, finish) in enumerate(_deltas(n, source), 1):
        now += timedelta(milliseconds=source.gammavariate(2, 12))
        if source.random() < 1e-4:
            now += timedelta(seconds=source.uniform(1, 20))
            yield ": keep-alive\n\n"
        if clocked:
            yield f": t {now:%Y-%m-%dT%H:%M:%S.%fZ}\n"
        if delta is None:
            yield 'data: {"error":{"type":"server_error","message":"overloaded"}}\n\n'
            return
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        yield f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n"
        if finish:
            usage = {"prompt_tokens": 20, "completion_tokens": events, "total_tokens": 20 + events}
            yield f"data: {json.dumps({**chunk, 'choices': [], 'usage': usage})}\n\n"
            if n % 3:
                yield "data: [DONE]\n\n"


def _seed(folder: Path) -> tuple[tuple[plan.PlannedCapture, ...], dict[str, pa.Table]]:
    """The captures and the tables of the ingest that is repeated."""
    source = random.Random(1)
    captures = folder / "captures"
    captures.mkdir()
    for n in range(STREAMS):
        (captures / f"{n:03d}.sse").write_text("".join(_lines(n, source)), encoding="ascii")
    ssetl.ingest(captures, dataset=folder / "lake")
    dataset = Dataset.open(folder / "lake")
    planned = tuple(c for each in dataset.plans for part in each.parts for c in part.captures)
    files = dataset.files
    return planned, {table: pa.concat_tables(map(pq.read_table, files(table))) for table in schema.TABLES}


def _other_id(id_: str, repetition: int) -> str:
    return blake2b(f"{id_} {repetition}".encode(), digest_size=16).hexdigest()


def _repeated(rows: pa.Table, repetition: int) -> pa.Table:
    """The same rows, as if the same had happened again later, under other ids."""
    later = pa.scalar(STREAMS * SPACING * repetition, pa.duration("us"))
    for position, field in enumerate(rows.schema):
        column = rows.column(position)
        if field.name in IDS:
            ids = column.combine_chunks().dictionary_encode()
            others = [_other_id(each, repetition) for each in ids.dictionary.to_pylist()]
            rows = rows.set_column(position, field, pa.array(others, field.type).take(ids.indices))
        elif pa.types.is_timestamp(field.type):
            rows = rows.set_column(position, field, pc.add(column, later).cast(field.type))
    return rows


def write(path: Path, rows: int) -> None:
    """Write a dataset of at least `rows` rows in chunks."""
    with tempfile.TemporaryDirectory() as folder:
        captures, seed = _seed(Path(folder))
    repetitions = -(-rows // seed["chunks"].num_rows)
    dataset = Dataset.create(path)
    names = [plan.part_name(1, position) for position in range(PARTS)]
    made = plan.instant(int(_START.timestamp()) * 1_000_000)
    of_part = {name: range(position, repetitions, PARTS) for position, name in enumerate(names)}
    parts = [
        plan.Part(
            name,
            tuple(
                msgspec.structs.replace(capture, capture_id=_other_id(capture.capture_id, repetition))
                for repetition in of_part[name]
                for capture in captures
            ),
        )
        for name in names
    ]
    dataset.publish(plan.Plan(1, made, ssetl.__version__, parts=tuple(parts)))
    for name in names:
        with PartWriter(dataset, name) as writer:
            for repetition in of_part[name]:
                for table in schema.TABLES:
                    writer.write(table, _repeated(seed[table], repetition))
            writer.commit()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    given = parser.parse_args()
    write(given.dataset, given.rows)


if __name__ == "__main__":
    main()
