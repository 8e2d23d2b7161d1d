"""Raw files with the comments in which ssetl's own capturers tell times."""

import random
import re

import rawfiles

STAMP = b": t 2025-04-21T03:%02d:%02d.%06dZ"
LASTS = (b"[DONE]", b"message_stop", b"response.completed")
TARGETS = (b"/v1/chat/completions", b"https://api.openai.com/v1/chat/completions?key=x")
ODD = (
    b": t\n",
    b": t now\n",
    b": t 2025-13-21T03:21:59Z\n",
    b": t 2025-04-21T03:21:59Z\n",
    b": t 2025-04-21T03:21:59+02:00\n",
    b": t 2025-04-21T03:21:59\n",
    b":t 2025-04-21T03:21:59Z\n",
    b": t  2025-04-21T03:21:59.5Z \n",
    b": t 2025-04-21T03:21:59.500Z\r\n",
    b": t 2025-04-21T03:21:59.5Z\n\n",
    b": t 2025-04-21T03:21:59.5Z\n: t 2025-04-21T03:22:00.5Z\n",
    b": t 2025-04-21T03:21:59.5Z\n: keep-alive\n",
    b": keep-alive\n: t 2025-04-21T03:21:59.5Z\n",
    b": keep-alive\n\n",
    b": request 2025-04-21T03:21:58Z POST /v1/chat/completions\n",
    b": request 2025-04-21T03:21:58Z POST /v1/chat/completions\n: t 2025-04-21T03:21:59.5Z\n",
    b": request 2025-04-21T03:21:58Z POST /v1/chat/completions\n\n",
    b"data: {\n\n",
)


def instant(at: int) -> bytes:
    """Microseconds after some hour, as these comments tell them."""
    at = max(at, 0)
    return STAMP[3:] % (at // 60_000_000 % 60, at // 1_000_000 % 60, at % 1_000_000)


class Habits:
    """How times are told in files: of which events, with what between them, and by what clock."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._share, self._odd = source.choice((1, 1, 1, 0.9, 0.3)), source.choice((0, 0, 0, 0.01, 0.1))
        self._some = source.sample(ODD, source.choice((1, 2, 5)))
        self._back = source.choice((0, 0, 0, 0.002, 0.02))
        self._asks = source.choice((0, 0, 0.9))

    def told(self, file: bytes) -> bytes:
        """A file with the times of its events, and now and then something else."""
        source, at, pieces, before = self._source, 0, list[bytes](), LASTS[0]
        for event in re.split(rb"(?<=\n\n)", file):
            back = source.random() < self._back
            at = max(at + source.randrange(40_000) - 500_000 * back, 0)
            if source.random() < self._odd:
                pieces.append(source.choice(self._some))
            begins = event and any(last in before for last in LASTS)
            if begins and source.random() < self._asks:
                asked = instant(at + (700_000 if back else -500_000))
                pieces.append(b": request" + asked + b" POST " + source.choice(TARGETS) + b"\n")
            if event and source.random() < self._share:
                pieces.append(b": t" + instant(at) + b"\n")
            pieces.append(event)
            before = event
        return b"".join(pieces)


def clean(file: bytes, *, asks: bool) -> bytes:
    """A file in which each event has a time, and each stream a request if they ask."""
    habits = Habits(random.Random(0))
    habits._share, habits._odd, habits._back, habits._asks = 1, 0, 0, int(asks)
    return habits.told(file)


def timed_streams(source: random.Random) -> list[bytes]:
    """Streams, most of them whole, with the times of their events."""
    shapes = source.sample(sorted(rawfiles.SHAPES), 1 + source.randrange(2))
    events = [each for shape in shapes for each in rawfiles.streams(shape, source, 3 + source.randrange(6))]
    if source.randrange(3) == 0:
        source.choice(rawfiles.EVENT_CHANGES)(source, events)
    source.shuffle(events)
    habits = Habits(source)
    return [habits.told("".join(each).encode()) for each in events]
