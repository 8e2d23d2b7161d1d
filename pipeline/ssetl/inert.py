"""Texts from captures, made harmless for the place where they are shown."""

import re
from typing import Final


def printable(text: str) -> str:
    r"""`text` in one line, with what could steer a terminal written out: `\n`, `\x1b`, `\u202e`."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable_lines(text: str) -> str:
    """`text` with each of its lines as `printable` has it."""
    return "\n".join(map(printable, text.split("\n")))


def spreadsheet(text: str) -> str:
    """`text` with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def markdown(text: str) -> str:
    """`text` for a cell of a Markdown table: no markup, link, image or HTML in it takes effect."""
    text = printable(text)
    if not text or _PLAIN_WORDS.fullmatch(text):
        return text
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}".replace("|", r"\|")


_STEERING: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
"""Control characters, line ends, and what is invisible or changes the direction of writing."""

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_PLAIN_WORDS: Final = re.compile(r"(?!www\.)\w[\w .,:+-]*")
"""Words in which Markdown sees no markup; an underscore within a word is none."""
