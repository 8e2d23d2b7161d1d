"""Raw files for the fast path: many short streams that are alike, and what is done to such files in the wild.

`raw_file(source)` is one such file, by the choices of `source`.
"""

import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import generate

_ROOT: Final = Path(__file__).parent.parent
_MAX_SHIPPED: Final = 40_000

# Streams: the shapes of the benchmark, and others whose rows depend on more than one event.

Events = list[str]


def _chat(stream: generate.Stream, delta: str, finish: str = "null") -> str:
    return generate._chunk(stream, delta, finish)


def whole_calls(stream: generate.Stream) -> Events:
    """Each tool call in one event, ids and arguments differing."""
    call = (
        f'{{"tool_calls":[{{"index":0,"id":"call_{stream.key[-8:]}","type":"function",'
        f'"function":{{"name":"f","arguments":"{stream.pieces[0]}"}}}}]}}'
    )
    return generate._around(stream, [_chat(stream, call)] * (1 + stream.number % 2), '"tool_calls"')


def parallel_calls(stream: generate.Stream) -> Events:
    """Two tool calls with an index each, in pieces."""
    events = []
    for index, piece in enumerate(stream.pieces[:2]):
        names = f'"id":"call_{index}{stream.key[-8:]}","type":"function"'
        begin = f'{{"tool_calls":[{{"index":{index},{names},"function":{{"name":"f","arguments":""}}}}]}}'
        more = f'{{"tool_calls":[{{"index":{index},"function":{{"arguments":"{piece}"}}}}]}}'
        events += [_chat(stream, begin), *[_chat(stream, more)] * 4]
    return generate._around(stream, events, '"tool_calls"')


def reasoning(stream: generate.Stream) -> Events:
    """Reasoning first, under one of its names, then the answer."""
    name = ("reasoning", "reasoning_content")[stream.number % 2]
    thought = [_chat(stream, f'{{"{name}":"{piece}"}}') for piece in stream.pieces[:5]]
    return generate._around(
        stream, [*thought, *(_chat(stream, f'{{"content":"{p}"}}') for p in stream.pieces)]
    )


def twice(stream: generate.Stream) -> Events:
    """Reasoning as OpenRouter sends it, each text twice; the details may come first."""
    detail = '"reasoning_details":[{"type":"reasoning.text","text":"%s","format":"unknown","index":0}]'
    events = []
    for piece in stream.pieces:
        members = [f'"reasoning":"{piece}"', detail % piece][:: 1 - 2 * (stream.number % 2)]
        events.append(_chat(stream, f'{{"role":"assistant","content":"",{",".join(members)}}}'))
    return generate._around(stream, [*events, _chat(stream, '{"content":"A"}')])


def cumulative(stream: generate.Stream) -> Events:
    """As Perplexity sends it: beside each piece all of the text so far, at first the same."""
    events, so_far = [], ""
    for piece in stream.pieces:
        so_far += piece
        event = _chat(stream, f'{{"content":"{piece}"}}')
        events.append(
            event.replace('"delta":', f'"message":{{"role":"assistant","content":"{so_far}"}},"delta":')
        )
    return generate._around(stream, events)


def two_choices(stream: generate.Stream) -> Events:
    """The pieces in turn to one choice and the other."""
    events = generate.plain(stream)
    return [
        event.replace('"index":0', '"index":1') if n % 2 and "[DONE]" not in event else event
        for n, event in enumerate(events)
    ]


def without_ids(stream: generate.Stream) -> Events:
    """Chat Completions of a server that names nothing."""
    return [re.sub(r'"id":"chatcmpl-\w+",', "", event) for event in generate.plain(stream)]


def short_ids(stream: generate.Stream) -> Events:
    """Ids of any length, and without a terminator."""
    named = f"chatcmpl-{stream.number}"
    return [event.replace(f"chatcmpl-{stream.key}", named) for event in generate.plain(stream)[:-1]]


def gemini(stream: generate.Stream) -> Events:
    """Gemini: usage in each event, nothing that ends the stream."""
    events, finish = [], ',"finishReason":"STOP"'
    for n, piece in enumerate(stream.pieces, 1):
        counts = f'"promptTokenCount":{stream.prompt_tokens},"candidatesTokenCount":{n}'
        events.append(
            f'data: {{"candidates":[{{"content":{{"parts":[{{"text":"{piece}"}}],"role":"model"}}'
            f'{finish if n == len(stream.pieces) else ""},"index":0}}],'
            f'"usageMetadata":{{{counts},"totalTokenCount":{stream.prompt_tokens + n},"promptTokensDetails":'
            f'[{{"modality":"TEXT","tokenCount":{stream.prompt_tokens}}}]}},'
            f'"modelVersion":"gemini-2.5-flash","responseId":"resp_{stream.key}"}}\r\n\r\n'
        )
    return events


def dated(stream: generate.Stream) -> Events:
    """Gemini of Vertex, which tells when each stream began."""
    time = f'"createTime":"2025-04-20T{stream.number % 24:02d}:17:07.{stream.created % 997 * 1000 + 1:06d}Z",'
    return [event.replace('"responseId"', f'{time}"responseId"') for event in gemini(stream)]


def bare_messages(stream: generate.Stream) -> Events:
    """Messages without blanks before the last brace, as proxies send them that encode anew."""
    return [re.sub(r" +(?=}\n\n)", "", event) for event in generate.messages(stream)]


def blocks(stream: generate.Stream) -> Events:
    """Messages of many content blocks."""
    number = iter(range(len(stream.pieces)))
    return [
        re.sub(r'"index":0(?=,"delta")', lambda _: f'"index":{next(number) // 2}', event)
        for event in generate.messages(stream)
    ]


def interactions(stream: generate.Stream) -> Events:
    """Google's Interactions, without blank lines; the index of the answer is mostly 1."""
    name = f'"v1_{stream.key}"'
    events = [
        f'{{"interaction":{{"id":{name},"status":"in_progress"}},"event_type":"interaction.created"}}',
        f'{{"interaction_id":{name},"status":"in_progress","event_type":"interaction.status_update"}}',
        *(
            f'{{"index":{n % 4},"delta":{{"text":"{piece}","type":"text"}},"event_type":"step.delta"}}'
            for n, piece in enumerate(stream.pieces)
        ),
        f'{{"interaction":{{"id":{name},"status":"completed"}},"event_type":"interaction.completed"}}',
    ]
    return [f"data: {event}\n\n" for event in events]


def _ollama(stream: generate.Stream, say: Callable[[str], str]) -> Events:
    """Ollama's lines, each with its time: as Go on Linux, macOS or Windows writes it, now and then cut."""
    at, digits = stream.created * 10**9 + stream.number * 7_654_321_987, (9, 6, 7, 9)[stream.number % 4]
    events, pieces = [], [*stream.pieces, ""]
    for n, piece in enumerate(pieces):
        at += 1_234_567 * (n % 11) + (n % 5 == 4) * 900_000_001
        if n % 13 == 0:
            at += -at % 10**9
        fraction = f"{at % 10**9:09d}"[:digits].rstrip("0")
        seconds = at // 10**9 % 86_400
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        time = f"2025-04-21T{clock}{'.' * bool(fraction)}{fraction}Z"
        end = '"done":false'
        if n == len(pieces) - 1:
            end = (
                f'"done":true,"done_reason":"stop","total_duration":{at % 10**10},'
                f'"load_duration":{stream.number},"prompt_eval_count":{stream.prompt_tokens},'
                f'"eval_count":{len(pieces)},"eval_duration":{at % 10**9}'
            )
        events.append(f'{{"model":"llama3.2","created_at":"{time}",{say(piece)},{end}}}\n')
    return events


def ollama(stream: generate.Stream) -> Events:
    """Ollama's chat."""
    return _ollama(stream, lambda piece: f'"message":{{"role":"assistant","content":"{piece}"}}')


def ollama_generate(stream: generate.Stream) -> Events:
    """Ollama's completions; the last line of some has numbers for which there is no template."""
    events = _ollama(stream, lambda piece: f'"response":"{piece}"')
    if stream.number % 3 == 0:
        events[-1] = events[-1].replace('"done":true', f'"done":true,"context":[1,{stream.number}]')
    return events


def terminated(stream: generate.Stream) -> Events:
    """Responses with a terminator behind their end, as gateways send it that speak several APIs."""
    return [*generate.SHAPES["responses"](stream), "data: [DONE]\n\n"]


SHAPES: Final[dict[str, Callable[[generate.Stream], Events]]] = {
    **generate.SHAPES,
    "whole_calls": whole_calls,
    "parallel_calls": parallel_calls,
    "reasoning": reasoning,
    "twice": twice,
    "cumulative": cumulative,
    "two_choices": two_choices,
    "without_ids": without_ids,
    "short_ids": short_ids,
    "gemini": gemini,
    "dated": dated,
    "bare_messages": bare_messages,
    "blocks": blocks,
    "interactions": interactions,
    "terminated": terminated,
    "ollama": ollama,
    "ollama_generate": ollama_generate,
}
"""Shapes by name: stream -> its events."""


def streams(shape: str, source: random.Random, count: int, longest: int = 24) -> list[Events]:
    """The events of each of `count` streams of a shape."""
    words = generate._PIECES if shape != "escaped" else [f"\\u{ord(each):04x}" for each in generate._CHINESE]
    first = source.randrange(1000)
    made = []
    for n in range(count):
        key = f"{first + n:08d}{''.join(source.choices(generate._ALPHABET, k=21))}"
        pieces = [source.choice(words) for _ in range(8 + source.randrange(longest))]
        created = 1_745_200_000 + n // 2
        made.append(SHAPES[shape](generate.Stream(n, key, created, 8 + source.randrange(400), pieces)))
    return made


# What happens to whole events.


def _one(source: random.Random, files: list[Events]) -> Events:
    return source.choice([events for events in files if events] or [[]])


def _lose(source: random.Random, files: list[Events]) -> None:
    """An event is missing; most often the first or one of the last."""
    if events := _one(source, files):
        events.pop(source.choice((0, -1, -2, -3, source.randrange(len(events)))) % len(events))


def _twice(source: random.Random, files: list[Events]) -> None:
    if events := _one(source, files):
        n = source.choice((0, -1, -2, -3, source.randrange(len(events)))) % len(events)
        events.insert(source.choice((n, source.randrange(len(events) + 1))), events[n])


def _restart(source: random.Random, files: list[Events]) -> None:
    """The same stream again, whole, behind itself or later."""
    events = _one(source, files)
    files.insert(source.randrange(len(files) + 1), list(events))


def _cut_short(source: random.Random, files: list[Events]) -> None:
    events = _one(source, files)
    del events[source.randrange(len(events) + 1) :]


def _swap(source: random.Random, files: list[Events]) -> None:
    events = _one(source, files)
    if len(events) > 1:
        n = source.randrange(len(events) - 1)
        events[n : n + 2] = reversed(events[n : n + 2])


def _same_id(source: random.Random, files: list[Events]) -> None:
    """One stream has the id of another."""
    texts = "".join(_one(source, files)), "".join(mine := _one(source, files))
    old, new = (re.findall(r'"(?:id|responseId)":"((?:chatcmpl|resp|msg)[-_]\w+)"', text) for text in texts)
    if old and new:
        mine[:] = [event.replace(new[0], old[0]) for event in mine]


def _put(source: random.Random, files: list[Events]) -> None:
    _one(source, files).insert(source.randrange(6), source.choice(ODD_EVENTS))


def _put_everywhere(source: random.Random, files: list[Events]) -> None:
    odd, place = source.choice(ODD_EVENTS), source.randrange(-4, 6)
    for events in files:
        events.insert(place, odd)


def _overlap(source: random.Random, files: list[Events]) -> None:
    """A stream starts before the one before it has ended."""
    if len(files) > 1:
        n = source.randrange(len(files) - 1)
        first, second = files[n], files[n + 1]
        size = min(len(first), len(second), 1 + source.randrange(4))
        tail = [first.pop() for _ in range(size)][::-1]
        files[n + 1] = [event for pair in zip(second, tail, strict=False) for event in pair] + second[size:]


def mix(source: random.Random, files: list[Events], place: int | None = None) -> None:
    """Four neighbours, from `place` on, run at the same time."""
    n = source.randrange(len(files)) if place is None else place
    some, files[n : n + 4] = files[n : n + 4], []
    mixed: Events = []
    while some := [events for events in some if events]:
        mixed.append(source.choice(some).pop(0))
    files.insert(n, mixed)


def weave(source: random.Random, files: list[Events], most: int) -> None:
    """All streams run at the same time, at most so many; their last events may wait, or follow at once."""
    waiting, running, woven = files[::-1], list[Events](), Events()
    waits = source.randrange(2)
    while waiting or running:
        while waiting and len(running) < most:
            running.append(waiting.pop())
        events = source.choice(running)
        woven += events[:1]
        del events[:1]
        if not waits and len(events) == 1:
            woven.append(events.pop())
        running = [events for events in running if events]
    files[:] = [woven]


_CHUNK: Final = '{"id":"%s","object":"chat.completion.chunk","created":1745200000,"model":"m","choices":[%s]}'
_DELTA: Final = '{"index":0,"delta":{"content":"X"},"finish_reason":null}'
ODD_EVENTS: Final = [
    "data: [DONE]\n\n",
    "event: done\ndata: [DONE]\n\n",
    ": keep-alive\n\n",
    ": t 2025-04-21T03:21:59.483112Z\n",
    ": t 2025-04-21T03:22:01Z\n",
    ": request 2025-04-21T03:21:59.120000Z POST /v1/chat/completions\n\n",
    'error: {"message":"no","type":"t"}\n\n',
    'error: {"id":"a","object":"chat.completion.chunk","choices":[]}\n\n',
    '{"error":{"message":"no"}}\n\n',
    'data: {"error":{"message":"no"}}\n\n',
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"no"}}\n\n',
    '{"type":"error","sequence_number":3,"code":"c","message":"no","param":null}\n\n',
    'data: {"type":"error","sequence_number":3,"code":"c","message":"no","param":null}\n\n',
    'event: ping\ndata: {"type": "ping"}\n\n',
    "data: {}\n\n",
    "data:\n\n",
    "data: {\n\n",
    "event: message\n",
    "\n",
    "\n\n",
    "garbage\n\n",
    'data: {"id":"","object":"","choices":[],"prompt_filter_results":[]}\n\n',
    f"data: {_CHUNK % ('', _DELTA)}\n\n",
    f"data: {_CHUNK % ('a', _DELTA)}\n\n",
    f"{_CHUNK % ('a', _DELTA)}\n",
    f"data: {_CHUNK % ('a', _DELTA + ',' + _DELTA.replace('0', '1', 1))}\n\n",
    'data: {"object":"chat.completion.chunk","choices":[' + _DELTA + "]}\n\n",
    'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message"}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":1,'
    '"delta":{"type":"thinking_delta","thinking":"T"}}\n\n',
    "event: output\ndata: hello\n\n",
]
"""Events and lines that may come between those of a stream."""

EVENT_CHANGES: Final[Sequence[Callable[[random.Random, list[Events]], None]]] = (
    *(_lose, _twice, _restart, _cut_short, _swap, _same_id, _put, _put_everywhere, _overlap, mix),
)
"""Changes of files of streams, in place."""

# What happens inside events: pattern and what it becomes, in one event or in all of them.

NUMBERS: Final = [
    *("0", "00", "01", "-1", "1.0", "1e3", "null", "true", '"7"', "999999999999999", "9999999999999999"),
    *("99999999999999999999", "1745200000123", "9999900000", "999999999900000"),
]
TEXTS: Final = [
    *("", "~", "~life~", "~1~", "~hole 0~", "~hole 1~", "$column", "content", "[DONE]", "a", "-", "0"),
    *("\\n", '\\"', "\\\\", "\\u4e2d", "\\ud83d", "\\ud83d\\ude00", "\\u0000", "\\/", "\\x", "中", "😀"),
    *(
        "\u2028",
        "\x7f",
        "\ufeff",
        "data: {",
        "\t",
        "long " * 40,
        "中\\u4e2d",
        "sk-abcdefghijklmnopqrstuv0123456789",
    ),
]
INSTANTS: Final = [
    *("2025-04-21T03:21:59.123456789Z", "2025-04-21T03:21:59.123456780Z", "2025-04-21T03:21:59.123456Z"),
    *(
        "2025-04-21T03:21:59.1234560Z",
        "2025-04-21T03:21:59.120Z",
        "2025-04-21T03:21:59.Z",
        "2025-04-21T03:21:59Z",
    ),
    *(
        "2025-04-21T03:21:59.123456789+02:00",
        "2025-04-21T03:21:59.123456789",
        "2025-04-21 03:21:59.123456789Z",
    ),
    *("2025-13-21T03:21:59.123456789Z", "2025-04-21T23:59:60.123456789Z", "1969-04-21T03:21:59.1234567Z"),
    *("2025-04-21T03:21:59.1234567891Z", "0001-01-01T00:00:00Z", "2025-04-21T03:21:59.123456789z"),
]
VALUE_CHANGES: Final[Sequence[tuple[str, Sequence[str]]]] = (
    (r'(?<="created":)\d+', NUMBERS),
    (r'(?<="created_at":)\d+', NUMBERS),
    (r'(?<=_tokens":)\d+', NUMBERS),
    (r'(?<=TokenCount":)\d+', NUMBERS),
    (r'(?<="sequence_number":)\d+', NUMBERS),
    (r'(?<="index":)\d+', ["1", "2", "17", "null", "-1", "01", '"0"']),
    (r'(?<="created":)\d+', ["1745200000.0", "1745200000.00", "1745200000.5", "174520000.0"]),
    (r'(?<="content":")[^"]*(?=")', TEXTS),
    (r'(?<="delta":")[^"]*(?=")', TEXTS),
    (r'(?<="text":")[^"]*(?=")', TEXTS),
    (r'(?<="arguments":")(?:[^"\\]|\\.)*(?=")', TEXTS),
    (r'(?<="obfuscation":")[^"]*(?=")', TEXTS),
    (r'(?<="reasoning":")[^"]*(?=")', TEXTS),
    (r'(?<="reasoning":")[^"]*(?=")', TEXTS),
    (r'"reasoning":"([^"]*)"', ['"reasoning":"\\1","p":"\\1"', '"reasoning":"A","summary":"\\1"']),
    (r'"content":"","reasoning":"([^"]*)"', ['"content":"\\1","reasoning":"\\1"', '"refusal":"\\1"']),
    (r'"obfuscation":"([^"]*)"', ['"reasoning":"\\1"', '"text":"X"', '"content":"\\1"']),
    (r'(?<="responseId":")[^"]*(?=")', TEXTS),
    (
        r'(?<="createTime":")[^"]*(?=")',
        [*TEXTS, "2025-04-20T01:17:07.000010Z", "2025-04-20T25:17:07.000011Z"],
    ),
    (r'(?<="createTime":")[^"]*(?=")', ["2025-04-20T01:17:07Z", "2025-04-20T01:17:07.000011", "2286"]),
    (r'(?<="created_at":")[^"]*(?=")', [*TEXTS, *INSTANTS]),
    (r'(?<="created_at":")[^"]*(?=")', INSTANTS),
    (r'"done":false', ['"done":true', '"done": false', '"done":0', '"done":false,"created":1745200000']),
    (r'(?<="message":\{)', ['"thinking":"A",', '"tool_calls":[{"function":{"name":"f","arguments":{}}}],']),
    (r'(?<=_duration":)\d+', NUMBERS),
    (r'(?<=_count":)\d+', NUMBERS),
    (r'(?<="id":")[^"]*(?=")', [*TEXTS, "chatcmpl-7", "é"]),
    (r'(?<="item_id":")[^"]*(?=")', TEXTS),
    (r'(?<="model":")[^"]*(?=")', ["", "~", "~life~", "m~1~", "other", "\\u006d"]),
    (r'(?<="finish_reason":)null', ['"stop"', '""', "0"]),
    (r'(?<="finish_reason":)"stop"', ["null", '"length"', '"~"']),
    (r'(?<="refusal":)null', ['"no"', '""']),
    (r'(?<="service_tier":)"\w+"', ["null", '"flex"', '"~3~"']),
    (r'"service_tier":"\w+",', ["", '"service_tier":null,', '"content":"top",', '"id":"other",']),
    (
        r'(?<="logprobs":)null',
        ['{"content":[]}', '{"content":[{"token":"a","logprob":-1,"bytes":null}]}', "[]"],
    ),
    (r'(?<="delta":\{)', ['"role":"assistant",', '"content":"twice",', '"refusal":"R",', '"reasoning":"A",']),
    (r'(?<="delta":\{)', ['"reasoning_content":"A","reasoning":"A",', '"x":{"$column":"content"},']),
    (r'(?<="delta":\{)', ['"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"x"}}],']),
    (r'(?<="delta":\{)', ['"function_call":{"arguments":"x"},', '"text":"A",', '"thinking":"A",']),
    (r'(?<=\{)(?="index":0,"delta")', ['"content_filter_results":{"$literal":1},', '"text":"T",']),
    (r"(?<=data: \{)", ['"id":"x",', '"text":"T",', '"$column":"content",', '"error":{"message":"E"},']),
    (r"(?<=data: \{)", ['"usage":{"prompt_tokens":3},', '"created":0,', '"x_tokens":5,', '"content":"C",']),
    (r'"usage":null', ['"usage":{}', '"usage":{"completion_tokens":5}', '"x":"content"', '"usage":[]']),
    (r'"index":0', ['"index":0,"index":1', '"index": 0', '"Index":0']),
    (r'"choices":\[', ['"choices": [', '"choices":[null,', '"choices":[{},']),
    (r'":', ['": ']),
    (r',"', [', "', ',\t"']),
    (r'"delta"', ['"message"', '"\\u0064elta"']),
    (r"data: ", ["data:", " data: ", "data:  ", "", "id: 7\ndata: ", ": c\ndata: ", "data: \ndata: "]),
    (r"event: .*\n", ["", "event:x\n", "event: error\n", "event: output\n"]),
    (r"\}(?=\n\n)", [" }", "    }", " " * 70 + "}", "\t}", " \t }", " } ", ' ,"x":1 }']),
    (r"\n\n", ["\n", "\n\n\n", "\nid: 7\n\n", "\n: c\n\n", "\n \n", "\r\n\r\n", "\r\r"]),
)
"""Patterns, and texts that each may become."""


def _change_values(source: random.Random, files: list[Events]) -> None:
    """One kind of value becomes something else: in one place, in one stream, in some events or in all."""
    pattern, others = source.choice(VALUE_CHANGES)
    other = source.choice(others)
    other = other if "\\1" in other else other.replace("\\", "\\\\")
    scope = source.choice(("one", "stream", "some", "all", "end"))
    chosen = source.randrange(len(files))
    places = [(n, m) for n, events in enumerate(files) for m, event in enumerate(events)]
    fits = [(n, m) for n, m in places if re.search(pattern, files[n][m])]
    if scope == "one" and fits:
        fits = [source.choice(fits)]
    elif scope == "some":
        share = source.choice((2, 7))
        fits = [place for k, place in enumerate(fits) if k % share == chosen % share]
    elif scope == "end":  # what came before it has been learned by then
        fits = [(n, m) for n, m in fits if n >= chosen]
    elif scope == "stream":
        fits = [(n, m) for n, m in fits if n == chosen]
    for n, m in fits:
        files[n][m] = re.sub(pattern, other, files[n][m])


# What happens to bytes.

_TOKENS: Final = [
    *(
        b"\\n",
        b'"',
        b"\\",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\x00",
        b"\xff",
        b"\xc3",
        b"\xe4\xb8",
        b"\xef\xbb\xbf",
    ),
    *(b"data: ", b"data: [DONE]\n\n", b"{", b"}", b"[", b"]", b" ", b",", b"0", b"-", b"null"),
]


def _change_bytes(source: random.Random, data: bytes) -> bytes:
    at = source.randrange(len(data) + 1)
    match source.randrange(5):
        case 0:
            return data[:at] + source.choice(_TOKENS) + data[at:]
        case 1:
            return data[:at] + data[at + 1 + source.randrange(40) :]
        case 2:
            return data[:at] + bytes([source.randrange(256)]) + data[at + 1 :]
        case 3:
            start = source.randrange(len(data) + 1)
            return data[:at] + data[start : start + source.randrange(2000)] + data[at:]
        case _:
            return data[:at]


def as_ndjson(data: bytes) -> bytes:
    """The data of each event in a line of its own."""
    return b"".join(
        line.removeprefix(b"data: ") + b"\n"
        for line in data.split(b"\n")
        if line[:7] in (b"data: {", b'{"error')
    )


ENDINGS: Final[Sequence[Callable[[bytes], bytes]]] = (
    *(bytes.strip, as_ndjson),
    lambda data: data.replace(b"\n\n", b"\n"),
    lambda data: data.replace(b"\n", b"\r\n"),
    lambda data: data.replace(b"\n", b"\r"),
    lambda data: b"\xef\xbb\xbf" + data,
    lambda data: data.replace(b"data: [DONE]\n\n", b""),
    lambda data: data.replace(b"data: [DONE]\n\n", b"data: [DONE]\n\ndata: [DONE]\n\n"),
    lambda data: data.replace(b"data: [DONE]", b"event: done\ndata:[DONE]"),
)
"""Changes of the whole file."""

SHIPPED: Final = [
    path.read_bytes()[:_MAX_SHIPPED]
    for folder in (_ROOT / "data" / "captures", _ROOT.parent / "shared" / "corpus" / "files")
    for path in sorted(folder.rglob("*"))
    if path.suffix in (".sse", ".txt", ".ndjson", ".jsonl", ".json", ".log")
]
"""Captures of the project and, if it is there, of the corpus beside it."""


def raw_file(source: random.Random) -> tuple[bytes, bool]:
    """A raw file, and whether it is to be read as NDJSON."""
    if source.randrange(8):
        shape = source.choice(list(SHAPES))
        first = streams(shape, source, source.choice((0, 12)), 4)  # for learning: they stay as they are
        files = streams(shape, source, 3 + source.randrange(16), 10)
        if not source.randrange(6):
            files += streams(source.choice(list(SHAPES)), source, 3 + source.randrange(8), 10)
            source.shuffle(files)
        if not source.randrange(4):
            mix(source, files)
        for _ in range(source.choice((0, 1, 1, 2, 4))):
            source.choice(EVENT_CHANGES)(source, files)
        if not source.randrange(3):
            weave(source, files, 2 + source.randrange(12))
        for _ in range(source.choice((0, 1, 1, 2, 4))):
            _change_values(source, files)
        data = "".join([event for events in (*first, *files) for event in events]).encode()
    else:
        data = source.choice(SHIPPED) * source.choice((1, 2, 5))
    for _ in range(source.choice((0, 0, 1, 3))):
        data = _change_bytes(source, data)
    if not source.randrange(4):
        data = source.choice(ENDINGS)(data)
    return data, data[:1] in (b"{", b"[")
