"""Masking what looks like a credential: keys of known shapes, tokens, passwords in URLs, secret members.

It is a net and no proof: what has the shape of a known key, stands behind a word such as `api_key=`, or is
a member with such a name becomes `[masked]`. Time is linear in the text, whatever it holds.
"""

import re
from functools import cache
from typing import Any, Final

from ssetl import jsontext

MASK: Final = "[masked]"

SUSPICIOUS: Final = (
    r"sk-|[sr]k_(?:live|test)_|AIza[A-Za-z0-9_-]{20}|gh[a-z]_|github_pat_|glpat-|hf_|gsk_|xai-|pplx-"
    r"|xox[a-z]-|(?:AKIA|ASIA)[A-Z0-9]{12}|ya29\.|eyJ[A-Za-z0-9_-]{8,}\.|-----BEGIN |://[^/\s]*@"
    r"|(?i:bearer |basic |api[-_ ]?key|access[-_]?key|private[-_]?key|secret|cookie|authorization|credential"
    r"|passw|(?:access|refresh|auth|session|security|bearer|api|id)[-_]?token)"
)
"""What every credential has about it, for RE2 and `re` alike: a text that does not match holds none."""

SUSPICIOUS_PIECE: Final = "://|" + SUSPICIOUS
"""The same for pieces of a JSON text, which holds no credential if none of its pieces matches. It may be cut
at quotes, at commas and at whole numbers: nothing else that is suspicious goes on behind one."""

UNUSUAL: Final = (
    r"[-_]|://|AIza|AKIA|ASIA|ya29|eyJ"
    r"|(?i:bearer|basic|api[-_ ]?key|access|private|secret|cookie|authori|credential|passw|token)"
)
"""In random letters and digits there is rarely any of it, in suspicious pieces always; quick to look for."""


def mask(text: str) -> str:
    """`text` with `[masked]` in place of what looks like a credential."""
    for pattern in _patterns():
        text = pattern.sub(_masked, text)
    return text


def mask_json(text: str) -> str:
    """A JSON text with its strings masked; those of members with a telling name as a whole."""
    return jsontext.encode(_mask_value(jsontext.decode(text.encode())))


def mask_bytes(data: bytes) -> bytes:
    """`data` masked like a text, whatever its encoding."""
    return mask(data.decode("latin-1")).encode("latin-1")


_EDGE: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
# Of ASCII only: RE2 takes what is searched first for Latin-1, and knows no letter that folds to an s or a k.
_NAMES: Final = (
    r"(?ai:api[-_ ]?key|access[-_]?key(?:[-_]?id)?|private[-_]?key|secret[-_]?(?:access[-_]?)?key"
    r"|client[-_]?secret|(?:access|refresh|auth|session|security|bearer|api|id)[-_]?token|(?:set-)?cookie"
    r"|authorization|credentials?|passw(?:or)?d|secret)"
)


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compiled when the first suspicious text comes: most ingests see none."""
    return (
        # Keys whose makers have given them a shape.
        re.compile(
            _EDGE + r"(?:sk-[A-Za-z0-9_*-]{12,}+|[sr]k_(?:live|test)_\w{10,}+|AIza[A-Za-z0-9_-]{20,}+"
            r"|gh[a-z]_[A-Za-z0-9]{16,}+|github_pat_\w{16,}+|glpat-[A-Za-z0-9_-]{16,}+|hf_[A-Za-z0-9]{20,}+"
            r"|gsk_[A-Za-z0-9]{20,}+|xai-[A-Za-z0-9]{20,}+|pplx-[A-Za-z0-9]{20,}+|xox[a-z]-[A-Za-z0-9-]{10,}+"
            r"|(?:AKIA|ASIA)[A-Z0-9]{12,}+|ya29\.[A-Za-z0-9_-]{16,}+)"
        ),
        # JSON web tokens.
        re.compile(_EDGE + r"eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)?"),
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        # `://user:password@host`.
        re.compile(r"(?P<before>://)[^\s/@:\"'<>]{0,256}+:[^\s/@\"'<>]{1,256}+(?P<after>@)"),
        # A token has a digit in it, or is long: `bearer authentication` is none.
        re.compile(
            r"(?P<before>\b(?ai:bearer|basic) +)"
            r"(?:(?=[A-Za-z._~+/=-]{0,200}+[0-9])[\w.~+/=-]{8,}+|[\w.~+/=-]{24,}+)"
        ),
        re.compile(
            r"(?P<before>" + _NAMES + r"[\"'\\]{0,6}+\s{0,9}+(?:[=:]|%3[AaDd])\s{0,9}+[\"'\\]{0,6}+"
            r"(?:(?ai:bearer|basic|token) +)?+)[^\s\"'\\&,;<>{}\[\]]{6,}+"
        ),
    )


@cache
def _secret_name() -> re.Pattern[str]:
    return re.compile(r"(?:[\w-]{1,40}[-_.])?" + _NAMES)


def _masked(found: re.Match[str]) -> str:
    around = found.groupdict()
    return f"{around.get('before', '')}{MASK}{around.get('after', '')}"


def _mask_value(value: Any, *, secret: bool = False) -> Any:
    """`value` masked; `secret`: it stands under a name that says so."""
    if type(value) is str:
        return MASK if secret and value else mask(value)
    if type(value) is list:
        return [_mask_value(element, secret=secret) for element in value]
    if type(value) is dict:
        return {
            mask(name): _mask_value(member, secret=secret or _secret_name().fullmatch(name) is not None)
            for name, member in value.items()
        }
    return value
