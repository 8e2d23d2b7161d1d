"""Captures for the benchmark: the same arguments give the same bytes on any machine.

    python tests/benchmarks/generate.py SHAPE FOLDER [--scale 4] [--files 3000] [--manner lines]

One page is 3,000 streams in 685,773 events, 208 MB where the shape is `plain`; `--scale` is the number of
pages. The streams lie behind each other, in one file or in many; only `interleaved` mixes them. Others write
them in another manner: with keep-alives, without blank lines, as a log that stamps each line, or with
comments that tell when a stream was asked for and when each event came.
"""

import argparse
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

STREAMS: Final = 3_000
EVENTS: Final = 685_773
MANNERS: Final[dict[str, Callable[[str, Iterator[int]], str]]] = {
    "plain": lambda text, _clock: text,
    "comments": lambda text, _clock: ": OPENROUTER PROCESSING\n\n" * 2 + text,
    "lines": lambda text, _clock: text.replace("\n\n", "\n"),
    "log": lambda text, clock: re.sub("(?m)^(?=.)", lambda _: _time(clock) + " ", text.replace("\n\n", "\n")),
    "stamps": lambda text, clock: (
        f": request {_time(clock)} POST /v1/chat/completions\n"
        + re.sub("(?:^|(?<=\n\n))(?=.)", lambda _: f": t {_time(clock)}\n", text)
    ),
}
"""How the text of a stream is written, or of all streams that are mixed; a clock gives microseconds."""

STARTED: Final = 1_745_205_719_000_000
STEP: Final = 1_977
"""When the first line or event of a log came, and how long after it each other one, in microseconds."""

OPEN: Final = 24
"""Streams that `interleaved` has open at once."""

_WORDS: Final = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "he",
    "this",
    "are",
    "or",
    "his",
    "from",
    "at",
    "which",
    "but",
    "have",
    "an",
    "had",
    "they",
    "you",
    "were",
    "their",
    "one",
    "all",
    "we",
    "can",
    "her",
    "has",
    "there",
    "been",
    "if",
    "more",
    "when",
    "will",
    "would",
    "who",
    "so",
    "no",
    "out",
    "up",
    "into",
    "that's",
    "time",
    "about",
    "than",
    "them",
    "could",
    "only",
    "some",
    "these",
    "two",
    "may",
    "then",
    "do",
    "first",
    "any",
    "my",
    "now",
    "such",
    "like",
    "our",
    "over",
    "man",
    "me",
    "even",
    "most",
    "made",
    "after",
    "also",
    "did",
    "many",
    "before",
    "must",
    "through",
    "back",
    "years",
    "where",
    "much",
    "your",
    "way",
    "well",
    "down",
    "should",
    "because",
    "each",
    "just",
    "those",
    "people",
    "too",
    "little",
    "state",
    "good",
    "very",
    "make",
    "world",
    "still",
    "own",
    "see",
    "men",
    "work",
    "long",
    "get",
    "here",
    "between",
    "both",
    "life",
    "being",
    "under",
    "never",
    "day",
    "same",
    "another",
    "know",
    "while",
    "last",
    "might",
    "us",
    "great",
    "old",
    "year",
    "off",
    "come",
    "since",
    "against",
    "go",
    "came",
    "right",
    "used",
    "take",
    "three",
    "stream",
    "token",
    "latency",
    "function",
    "parameter",
]
_PIECES: Final = [f" {word}" for word in _WORDS] + [
    ".",
    ",",
    ":",
    ";",
    "!",
    "?",
    "1",
    "2",
    "3",
    ")",
    " (",
    "'s",
]
_CHINESE: Final = (
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生"
    "自会那后能对着事其里所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与"
    "好看学进种将还分此心前面又定见只主没公从"
)
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Stream(NamedTuple):
    """What all shapes are made of: `pieces` is the text as JSON strings without their quotes."""

    number: int
    key: str
    created: int
    prompt_tokens: int
    pieces: list[str]


def _chunk(
    stream: Stream, delta: str, finish: str = "null", usage: str = "null", choices: bool = True
) -> str:
    choice = f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}' if choices else ""
    return (
        f'data: {{"id":"chatcmpl-{stream.key}","object":"chat.completion.chunk","created":{stream.created},'
        f'"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0392822090",'
        f'"choices":[{choice}],"usage":{usage}}}\n\n'
    )


def _usage(stream: Stream, output: int) -> str:
    total = stream.prompt_tokens + output
    return (
        f'{{"prompt_tokens":{stream.prompt_tokens},"completion_tokens":{output},"total_tokens":{total},'
        '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":'
        '{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
    )


def _around(stream: Stream, body: list[str], finish: str = '"stop"') -> list[str]:
    """A Chat Completions stream: role, `body`, finish reason, usage, terminator."""
    return [
        _chunk(stream, '{"role":"assistant","content":"","refusal":null}'),
        *body,
        _chunk(stream, "{}", finish=finish),
        _chunk(stream, "", usage=_usage(stream, len(stream.pieces)), choices=False),
        "data: [DONE]\n\n",
    ]


def _filled(template: str, pieces: list[str]) -> list[str]:
    head, tail = template.split("%")
    return [head + piece + tail for piece in pieces]


def plain(stream: Stream) -> list[str]:
    """Chat Completions as OpenAI sends it."""
    return _around(stream, _filled(_chunk(stream, '{"content":"%"}'), stream.pieces))


def obfuscated(stream: Stream) -> list[str]:
    """The same with the padding that OpenAI adds against traffic analysis."""
    head, tail = _chunk(stream, '{"content":"%"}').split("%")
    tail = tail.removesuffix("}\n\n")
    source = random.Random(stream.number)
    padding = "".join(source.choices(_ALPHABET, k=64))
    body = []
    for n, piece in enumerate(stream.pieces):
        start = n * 7 % 48
        body.append(
            f'{head}{piece}{tail},"obfuscation":"{padding[start : start + 16 - len(piece) % 14]}"}}\n\n'
        )
    return _around(stream, body)


def tool_calls(stream: Stream) -> list[str]:
    """One tool call per stream, its arguments in pieces; quotes in them are escaped."""
    call = (
        f'{{"tool_calls":[{{"index":0,"id":"call_{stream.key[:24]}","type":"function",'
        '"function":{"name":"search","arguments":""}}]}'
    )
    piece = _chunk(stream, '{"tool_calls":[{"index":0,"function":{"arguments":"%"}}]}')
    pieces = [_argument(n, text) for n, text in enumerate(stream.pieces[1:])]
    return _around(stream, [_chunk(stream, call), *_filled(piece, pieces)], finish='"tool_calls"')


def _argument(n: int, piece: str) -> str:
    return ('{\\"', "query", '\\":', ' \\"')[n] if n < 4 else '\\",\\"' if n % 16 == 0 else piece


def usage_every_chunk(stream: Stream) -> list[str]:
    """As vLLM sends it with `continuous_usage_stats`."""
    head, tail = _chunk(stream, '{"content":"%"}', usage="@").split("%")
    before, after = tail.split("@")
    prompt = stream.prompt_tokens
    body = [
        f'{head}{piece}{before}{{"prompt_tokens":{prompt},"total_tokens":{prompt + n},'
        f'"completion_tokens":{n}}}{after}'
        for n, piece in enumerate(stream.pieces, 1)
    ]
    return _around(stream, body)


def responses(stream: Stream) -> list[str]:
    """OpenAI's Responses: typed and numbered events."""
    item = f"msg_{stream.key}{stream.key[:19]}"
    text = "".join(stream.pieces)
    head = (
        f'{{"id":"resp_{stream.key}","object":"response","created_at":{stream.created},"status":"%",'
        '"error":null,"incomplete_details":null,"max_output_tokens":null,"model":"gpt-4o-mini-2024-07-18",'
        '"output":[@],"parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto","tools":[],"usage":#}'
    )
    part = '{"type":"output_text","annotations":[],"logprobs":[],"text":"%"}'
    message = f'{{"id":"{item}","type":"message","status":"%","content":[@],"role":"assistant"}}'
    begun = head.replace("%", "in_progress").replace("@", "").replace("#", "null")
    done = message.replace("%", "completed").replace("@", part.replace("%", text))
    count = len(stream.pieces)
    usage = (
        f'{{"input_tokens":{stream.prompt_tokens},"input_tokens_details":{{"cached_tokens":0}},"output_tokens":'
        f'{count},"output_tokens_details":{{"reasoning_tokens":0}},'
        f'"total_tokens":{stream.prompt_tokens + count}}}'
    )
    place = f'"item_id":"{item}","output_index":0,"content_index":0'
    padding = "".join(random.Random(stream.number).choices(_ALPHABET, k=64))
    events = [
        ("created", f'"response":{begun}'),
        ("in_progress", f'"response":{begun}'),
        (
            "output_item.added",
            f'"output_index":0,"item":{message.replace("%", "in_progress").replace("@", "")}',
        ),
        ("content_part.added", f'{place},"part":{part.replace("%", "")}'),
    ]
    for n, piece in enumerate(stream.pieces[5:]):
        pad = padding[n * 7 % 48 :][: 16 - len(piece) % 14]
        events.append(("output_text.delta", f'{place},"delta":"{piece}","logprobs":[],"obfuscation":"{pad}"'))
    events += [
        ("output_text.done", f'{place},"text":"{text}","logprobs":[]'),
        ("content_part.done", f'{place},"part":{part.replace("%", text)}'),
        ("output_item.done", f'"output_index":0,"item":{done}'),
        ("completed", f'"response":{head.replace("%", "completed").replace("@", done).replace("#", usage)}'),
    ]
    return [
        f'event: response.{kind}\ndata: {{"type":"response.{kind}","sequence_number":{n},{rest}}}\n\n'
        for n, (kind, rest) in enumerate(events)
    ]


def messages(stream: Stream) -> list[str]:
    """Anthropic's Messages: no id but in the first event, a ping, and blanks that hide the sizes."""
    started = (
        f'{{"model":"claude-sonnet-4-5-20250929","id":"msg_{stream.key[:24]}","type":"message","role":"assistant",'
        f'"content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":{stream.prompt_tokens},'
        '"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}'
    )
    stop = (
        f'"delta":{{"stop_reason":"end_turn","stop_sequence":null}},'
        f'"usage":{{"output_tokens":{len(stream.pieces)}}}'
    )
    deltas = [f'"index":0,"delta":{{"type":"text_delta","text":"{piece}"}}' for piece in stream.pieces[3:]]
    events = [
        ("message_start", f'"message":{started}'),
        ("content_block_start", '"index":0,"content_block":{"type":"text","text":""}'),
        ("ping", ""),
        *(("content_block_delta", delta) for delta in deltas),
        ("content_block_stop", '"index":0'),
        ("message_delta", stop),
        ("message_stop", ""),
    ]
    blanks = random.Random(stream.key)
    return [
        f'event: {kind}\ndata: {{"type":"{kind}"{rest and ","}{rest}{" " * blanks.randrange(16)}}}\n\n'
        for kind, rest in events
    ]


SHAPES: Final[dict[str, Callable[[Stream], list[str]]]] = {
    "plain": plain,
    "obfuscated": obfuscated,
    "tool_calls": tool_calls,
    "responses": responses,
    "messages": messages,
    "escaped": plain,
    "interleaved": plain,
    "usage_every_chunk": usage_every_chunk,
}
"""Shapes by name; `escaped` has other words and `interleaved` another order than `plain`."""


def page(shape: str, number: int) -> Iterator[list[str]]:
    """The events of each stream of a page, `STREAMS` lists with `EVENTS` events in all, `[DONE]` aside."""
    source = random.Random(f"{shape} {number}")
    words = _PIECES if shape != "escaped" else [f"\\u{ord(each):04x}" for each in _CHINESE]
    shares = [source.lognormvariate(0, 0.8) for _ in range(STREAMS)]
    lengths = [8 + int(share * (EVENTS - 11 * STREAMS) / sum(shares)) for share in shares]
    for n in range(EVENTS - 3 * STREAMS - sum(lengths)):
        lengths[n] += 1
    weights = [1 / (rank + 3) for rank in range(len(words))]
    for n, length in enumerate(lengths):
        key = "".join(source.choices(_ALPHABET, k=29))
        stream = Stream(
            number=number * STREAMS + n,
            key=key,
            created=1_745_200_000 + number * 86_400 + n * 20,
            prompt_tokens=source.randrange(8, 4_000),
            pieces=source.choices(words, weights, k=length),
        )
        yield SHAPES[shape](stream)


def _mixed(streams: Iterator[list[str]], source: random.Random) -> Iterator[str]:
    """The events of several streams at once, in the order in which a gateway would log them."""
    running: list[Iterator[str]] = []
    while True:
        while len(running) < OPEN and (events := next(streams, None)):
            running.append(iter(events))
        if not running:
            return
        place = source.randrange(len(running))
        event = next(running[place], None)
        if event is None:
            running.pop(place)
        else:
            yield event
            if event.startswith("data: {") and '"choices":[]' in event:
                yield next(running[place])  # nothing tells whose terminator it is


def _time(clock: Iterator[int]) -> str:
    return datetime.fromtimestamp(next(clock) / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def write(shape: str, folder: Path, scale: int = 1, files: int = 1, manner: str = "plain") -> list[Path]:
    """Write `scale` pages to `files` files in `folder`, which is created; give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{shape}-{n:06d}.sse" for n in range(files)]
    per_file = -(-STREAMS * scale // files)
    written = 0
    file = None
    clock = count(STARTED, STEP)
    for number in range(scale):
        streams = page(shape, number)
        texts = ("".join(events) for events in streams)
        if shape == "interleaved":
            texts = iter(["".join(_mixed(streams, random.Random(number)))])
        for text in texts:
            if file is None or (files > 1 and written % per_file == 0):
                if file is not None:
                    file.close()
                file = paths[written // per_file].open("w", encoding="ascii")
            file.write(MANNERS[manner](text, clock))
            written += 1
    if file is not None:
        file.close()
    return paths


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--manner", choices=MANNERS, default="plain")
    given = parser.parse_args()
    write(given.shape, given.folder, given.scale, given.files, given.manner)


if __name__ == "__main__":
    main()
