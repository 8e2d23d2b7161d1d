"""msgspec: typed Structs per line, two processes on halves of the input. Chat chunks only.

python msgspec_structs.py SHAPE OUTPUT_FOLDER INPUT_FOLDER
"""

import sys
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing import Pool
from pathlib import Path

import msgspec
from arrow_rows import write

_PROCESSES = 2


class Delta(msgspec.Struct, frozen=True, gc=False):
    role: str | None = None
    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct, frozen=True, gc=False):
    index: int | None = None
    delta: Delta = Delta()
    finish_reason: str | None = None


class Details(msgspec.Struct, frozen=True, gc=False):
    cached_tokens: int | None = None


class Usage(msgspec.Struct, frozen=True, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: Details | None = None


class Chunk(msgspec.Struct, frozen=True, gc=False):
    id: str
    created: int
    model: str
    choices: list[Choice]
    service_tier: str | None = None
    system_fingerprint: str | None = None
    usage: Usage | None = None


_NO_CHOICE = [Choice()]
_NO_USAGE = Usage()
_NO_DETAILS = Details()


def rows(chunk: Chunk) -> Iterator[tuple[object, ...]]:
    usage = chunk.usage or _NO_USAGE
    for choice in chunk.choices or _NO_CHOICE:
        delta = choice.delta
        yield (
            chunk.id,
            chunk.created,
            chunk.model,
            chunk.service_tier,
            chunk.system_fingerprint,
            choice.index,
            delta.role,
            delta.content,
            delta.refusal,
            choice.finish_reason,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.total_tokens,
            (usage.prompt_tokens_details or _NO_DETAILS).cached_tokens,
        )


def lines(path: Path, start: int, end: int) -> Iterator[bytes]:
    """The lines of a file that begin from `start` up to `end`."""
    with path.open("rb") as file:
        if start:
            file.seek(start - 1)
            file.readline()
        place = file.tell()
        for line in file:
            if place >= end:
                return
            place += len(line)
            yield line


def convert(ranges: list[tuple[Path, int, int]], path: str) -> None:
    decode = msgspec.json.Decoder(Chunk).decode
    found = (line for range_ in ranges for line in lines(*range_) if line.startswith(b"data: {"))
    write(path, (row for line in found for row in rows(decode(line[6:]))))


def shares(paths: list[Path], count: int) -> Iterator[list[tuple[Path, int, int]]]:
    """`count` lists of byte ranges that cover the files in equal shares."""
    sizes = [path.stat().st_size for path in paths]
    bounds = [sum(sizes) * n // count for n in range(count + 1)]
    for low, high in pairwise(bounds):
        share, before = [], 0
        for path, size in zip(paths, sizes, strict=True):
            start, end = max(low - before, 0), min(high - before, size)
            if start < end:
                share.append((path, start, end))
            before += size
        yield share


def main(_shape: str, output: str, source: str) -> None:
    work = [
        (share, f"{output}/chunks-{n}.parquet")
        for n, share in enumerate(shares(sorted(Path(source).glob("*.sse")), _PROCESSES))
    ]
    with Pool(_PROCESSES) as pool:
        pool.starmap(convert, work)


if __name__ == "__main__":
    main(*sys.argv[1:])
