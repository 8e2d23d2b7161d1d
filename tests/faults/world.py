"""A folder of event streams in which things happen to files, as they do to logs."""

import gzip
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

from ssetl.captures.digests import EDGE

TEXT = re.compile(rb"t\d+-\d+;")


class World:
    """A folder of event streams in which things happen to files. Each text is written once.

    `overwritten` are texts that some file held no more, from one moment to the next. With `keeps_beginnings`,
    a file may be overwritten from its middle on, or cut there: who sees it before and after, and not what it
    was called in between, rightly takes the beginning for two. So such a file stays where it is until it has
    been `seen`. So it is, too, of copies that part in the middle, and of a beginning too short to tell that a
    file is the former one.
    """

    def __init__(self, path: Path, rng: random.Random, *, keeps_beginnings: bool) -> None:
        path.mkdir()
        self.path, self.rng = path, rng
        self._keeps_beginnings = keeps_beginnings
        self.overwritten: set[bytes] = set()
        self._serial = 0
        self._open: dict[str, int] = {}  # by file: the stream that it ends in
        self._copies: set[str] = set()  # these never grow, else they would be something else
        self._copied: set[str] = set()  # of these there are, or were, copies
        self._cut: set[str] = set()  # overwritten from their middle on, and not seen since

    def texts(self) -> set[bytes]:
        """What the files hold."""
        return {text for path in self.path.iterdir() for text in TEXT.findall(_content(path))}

    def seen(self) -> None:
        """Note that all files have been looked at as they are."""
        self._cut.clear()

    def change(self) -> None:
        """Let something happen to a file, or let there be another."""
        known = sorted(path.name for path in self.path.iterdir() if path.suffix != ".gz")
        names = [name for name in known if name not in self._cut]
        actions: list[Callable[[str], None]] = [self._grow] * 3 + [self._rename, self._rotate, self._copy]
        actions += [self._copytruncate, self._rewrite, self._touch, self._pack, self._remove]
        actions += [self._shorten] * self._keeps_beginnings
        if len(names) < 3 or self.rng.random() < 0.2:
            self.add()
        else:
            self.rng.choice(actions)(self.rng.choice(names))

    def add(self, files: int = 1) -> None:
        """Let there be new files."""
        for _ in range(files):
            (self.path / self._fresh()).write_bytes(self._text("", self.rng.choice([3, 20, 200])))

    def _fresh(self) -> str:
        self._serial += 1
        return f"f{self._serial:04}.log"

    def _text(self, name: str, streams: int) -> bytes:
        """Events that go on where a file ends: each stream is three pieces of text and an end."""
        lines = []
        for last in [False] * streams + [True]:
            goes_on = self._open.pop(name, None)
            serial = goes_on or self._serial + 1
            self._serial = max(self._serial, serial)
            texts = (f"t{serial}-{n};" for n in (range(3, 6) if goes_on else range(3)))
            lines += [_event(serial, f'{{"content":"{text}"}}', "null") for text in texts]
            if last and self.rng.random() < 0.6:
                self._open[name] = serial
            else:
                lines.append(_event(serial, "{}", '"stop"') + "data: [DONE]\n\n")
        return "".join(lines).encode()

    def _grow(self, name: str) -> None:
        if name not in self._copies:
            with (self.path / name).open("ab") as file:
                file.write(self._text(name, self.rng.choice([1, 5, 50])))

    def _rename(self, name: str) -> None:
        self._move(name, self._fresh())

    def _rotate(self, name: str) -> None:
        self._move(name, f"{name}.1")
        (self.path / name).write_bytes(self._text(name, 5))

    def _move(self, name: str, to: str) -> None:
        self._note_overwritten(to)
        (self.path / name).rename(self.path / to)
        if name in self._open:
            self._open[to] = self._open.pop(name)
        if name in self._copies:
            self._copies.add(to)
        if name in self._copied:
            self._copied.add(to)

    def _copy(self, name: str) -> None:
        to = self._fresh()
        self._copies.add(to)
        self._copied.add(name)
        (self.path / to).write_bytes((self.path / name).read_bytes())

    def _copytruncate(self, name: str) -> None:
        self._copy(name)
        self._open.pop(name, None)
        (self.path / name).write_bytes(b"")

    def _rewrite(self, name: str) -> None:
        self._note_overwritten(name)
        kept = self._beginning(name)
        (self.path / name).write_bytes(kept + self._text(name, 5))

    def _shorten(self, name: str) -> None:
        self._note_overwritten(name)
        os.truncate(self.path / name, len(self._beginning(name)))

    def _beginning(self, name: str) -> bytes:
        self._open.pop(name, None)
        if not self._keeps_beginnings or name in self._copies | self._copied:
            return b""
        data = (self.path / name).read_bytes()
        end = data.rfind(b"\n\n", 0, len(data) // 2)
        if end < EDGE:
            return b""
        self._cut.add(name)
        return data[: end + 2]

    def _touch(self, name: str) -> None:
        (self.path / name).touch()

    def _pack(self, name: str) -> None:
        (self.path / f"{self._fresh()}.gz").write_bytes(gzip.compress((self.path / name).read_bytes()))
        self._remove(name)

    def _remove(self, name: str) -> None:
        (self.path / name).unlink()
        self._open.pop(name, None)

    def _note_overwritten(self, name: str) -> None:
        path = self.path / name
        self.overwritten.update(TEXT.findall(_content(path)) if path.exists() else ())


def _event(serial: int, delta: str, finish: str) -> str:
    choice = f'{{"index":0,"delta":{delta},"finish_reason":{finish}}}'
    return f'data: {{"id":"c{serial}","object":"chat.completion.chunk","choices":[{choice}]}}\n\n'


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data
