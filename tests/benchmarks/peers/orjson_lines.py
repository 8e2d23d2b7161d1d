"""orjson: one line after the other into rows of Python values. Chat chunks only.

python orjson_lines.py SHAPE OUTPUT_FOLDER INPUT_FOLDER
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
from arrow_rows import write

_NONE: dict = {}


def rows(line: bytes) -> Iterator[tuple[object, ...]]:
    chunk = orjson.loads(line[6:])
    usage = chunk.get("usage") or _NONE
    for choice in chunk["choices"] or [_NONE]:
        delta = choice.get("delta") or _NONE
        yield (
            chunk["id"],
            chunk["created"],
            chunk["model"],
            chunk.get("service_tier"),
            chunk.get("system_fingerprint"),
            choice.get("index"),
            delta.get("role"),
            delta.get("content"),
            delta.get("refusal"),
            choice.get("finish_reason"),
            usage.get("prompt_tokens"),
            usage.get("completion_tokens"),
            usage.get("total_tokens"),
            (usage.get("prompt_tokens_details") or _NONE).get("cached_tokens"),
        )


def read(source: str) -> Iterator[tuple[object, ...]]:
    for path in sorted(Path(source).glob("*.sse")):
        with path.open("rb") as file:
            for line in file:
                if line.startswith(b"data: {"):
                    yield from rows(line)


def main(_shape: str, output: str, source: str) -> None:
    write(f"{output}/chunks.parquet", read(source))


if __name__ == "__main__":
    main(*sys.argv[1:])
