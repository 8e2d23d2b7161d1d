"""Comments of an event stream: those that ssetl's own capturers write tell times, all others nothing.

`: t <time>` is the arrival of what follows; `: request <time> <method> <path>` starts an exchange.
"""

from typing import Final

from ssetl import times
from ssetl.captures.recorded import clean_url
from ssetl.sse import Comment

STAMP: Final = b"t"
"""The first word of a comment that tells when what follows came."""

STAMP_LINE: Final = b": " + STAMP + b" "
"""How the line of such a comment begins."""

REQUEST: Final = b"request"
"""The first word of one that tells of a request."""

REQUEST_LINE: Final = b": " + REQUEST + b" "
"""How the line of such a comment begins."""


def is_remark(comment: Comment) -> bool:
    """Whether a comment says nothing of a time or a request: a keep-alive, mostly."""
    return comment.text.partition(b" ")[0] not in (STAMP, REQUEST)


def stamp_of(said: bytes) -> int | None:
    """The time that a stamp tells, microseconds since 1970; `said` is what stands behind its first word."""
    return times.parse_iso(said.decode("utf-8", "replace").strip())


def request_of(said: bytes) -> tuple[int | None, str | None]:
    """When a request was sent, and the path of its `POST /v1/chat/completions`, without credentials."""
    stamp, _, target = said.decode("utf-8", "replace").partition(" ")
    return times.parse_iso(stamp), clean_url(target.rpartition(" ")[2])
