"""Times before lines, as ts, docker logs -t, kubectl logs --timestamps, CRI, journald and loggers write them.

A prefix is recognised by evidence over the first lines of a file: most lines carry it, its times do not
run backwards, and events stand behind it or every line has it. A prefix that names no instant (no year, or
no zone and whole seconds) is taken off and gives no time.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from ssetl import times
from ssetl.captures import envelopes, leads, shapes

_ISO: Final = re.sub(r"\((?!\?)", "(?:", times.ISO_PATTERN).encode()  # its groups do not count here
_EPOCH: Final = re.sub(r"\((?!\?)", "(?:", times.EPOCH_PATTERN).encode()
_SOURCE: Final = rb"(?:(?P<source>\[[^\]\s]+\]|[\w.-]+ +\|) ?)?"  # kubectl --prefix, docker compose
_HOST: Final = rb"[\w.-]+ [^\s:\[\]{}\"]+(?:\[[0-9]+\])?: ?"
_CLOCK: Final = rb"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
_END: Final = rb"(?:[ \t]|$)"

_MOST_MISSES: Final = 0.5  # share of lines without the prefix: messages over several lines have it once
_MOST_BACK: Final = 0.1  # share of stamps before their forerunner: writers race a little
_MOST_STEPS: Final = 0.5  # the same where nothing but a time looks like that: writers differ in their clocks
_NUMERIC: Final = frozenset({"epoch", "clock"})  # prefixes that could be any number


class Stamped(msgspec.Struct, frozen=True):
    """A line without its prefix: its time if known, its writer, and whether the next line continues it."""

    text: bytes
    at: int | None = None
    source: bytes = b""
    partial: bool = False


class Prefix(msgspec.Struct, frozen=True):
    """One way of stamping lines.

    Args:
        name: cri, journald, iso, epoch, syslog or clock.
        pattern: what stands before a line; group `source` is who wrote it, `at` when, if that names an
            instant, and `cut` whether the next line continues it.
        timed: whether the times are arrival times: they are not if they stand still.
    """

    name: str
    pattern: re.Pattern[bytes]
    timed: bool = True

    def split(self, line: bytes) -> Stamped | None:
        """`line` taken apart; None if it does not carry the prefix."""
        found = self.pattern.match(line)
        if found is None:
            return None
        text = line[found.end() :]
        at = self.instant(found["at"]) if self.tells_times else None
        if self.name == "cri":
            return Stamped(text, at, (found["source"] or b"") + found["stream"], found["cut"] == b"P")
        return Stamped(text, at, found["source"] or b"")

    @property
    def tells_times(self) -> bool:
        """Whether it has arrival times."""
        return self.timed and self.name not in _NAMELESS

    @staticmethod
    def instant(stamp: bytes) -> int | None:
        """The instant that a time in such a prefix names, microseconds since 1970."""
        text = stamp.decode()
        if text.isdecimal() or "-" not in text[:5]:
            return times.parse_epoch(text)
        return times.parse_iso(text, naive_is_utc="." in text or "," in text)


def _prefix(name: str, pattern: bytes) -> Prefix:
    return Prefix(name, re.compile(_SOURCE + pattern))


PREFIXES: Final = (
    _prefix("cri", rb"(?P<at>%b) (?P<stream>stdout|stderr) (?P<cut>[PF])(?::[^ ]*)?%b" % (_ISO, _END)),
    _prefix("journald", rb"(?P<at>%b) %b" % (_ISO, _HOST)),
    _prefix("iso", rb"(?:\[|(?:time|ts|timestamp)=\"?)?(?P<at>%b)[\]\"]?%b" % (_ISO, _END)),
    _prefix("epoch", rb"\[?(?P<at>%b)\]?[:,;|]?%b" % (_EPOCH, _END)),
    _prefix("syslog", rb"[A-Z][a-z]{2} [ 0-9][0-9] %b (?:%b)?" % (_CLOCK, _HOST)),
    _prefix("clock", _CLOCK + _END),
)
_NAMELESS: Final = frozenset({"syslog", "clock"})  # prefixes without a year name no instant


def recognise(lines: Sequence[bytes]) -> Prefix | None:
    """The prefix that the lines of a file carry, or None.

    Args:
        lines: the first lines of the file, whole ones only.
    """
    filled = [line for line in lines if line.strip()]
    for prefix in PREFIXES:
        found = [stamped for stamped in map(prefix.split, filled) if stamped is not None]
        misses = len(filled) - len(found)
        if misses > len(filled) * _MOST_MISSES or not found:
            continue
        if not _run_forwards(found, _MOST_BACK if prefix.name in _NUMERIC else _MOST_STEPS):
            continue
        texts = [each.text for each in found]
        anyway = misses == 0 and len(found) >= times.ENOUGH and prefix.name not in _NUMERIC
        if anyway or _speak(texts):
            return msgspec.structs.replace(prefix, timed=times.advances([each.at for each in found]))
    return None


def _speak(texts: Sequence[bytes]) -> bool:
    """Whether there are events behind the prefix."""
    found = any(shapes.is_sse(text) or shapes.event_in(text) for text in texts)
    return found or envelopes.recognise(texts) is not None or leads.recognise(texts) is not None


def _run_forwards(found: Sequence[Stamped], most_back: float) -> bool:
    """Whether each writer's times do, but for a share of them and one: a clock may have been set."""
    latest: dict[bytes, int] = {}
    known = back = 0
    for each in found:
        if each.at is not None:
            known += 1
            back += each.at < latest.get(each.source, each.at)
            latest[each.source] = each.at
    return back <= known * most_back + 1
