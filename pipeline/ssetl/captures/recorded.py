"""One recorded HTTP exchange: what the many ways of writing a request and a response have in common.

Of the request only what names it is taken (url, model, id, time); its headers and body are not kept, and
the url carries no credentials.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from ssetl import jsontext, times
from ssetl.captures import bodies
from ssetl.captures.exchange import Exchange, Piece, Read

Headers = Mapping[str, str]
"""Header values by lower-case name; of a repeated header the first."""

_SECRET: Final = re.compile(
    r"(^|[-_.])(key|apikey|token|secret|passw(or)?d|pwd|sig|signature|credentials?|auth|authorization"
    r"|session|sid|code|jwt|bearer)$|(key|token|secret|signature|credential)$",
    re.IGNORECASE,
)
_USERINFO: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*@")
_REQUEST_IDS: Final = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-ms-request-id",
    "mistral-correlation-id",
    "x-correlation-id",
    "traceparent",
)
_REQUEST_ID: Final = re.compile(r"(?=[^<>]*[0-9])[A-Za-z0-9_.:/+=-]{4,200}")  # not `Sanitized`, `<X_ID>`
_MODEL_IN_URL: Final = re.compile(r"/(?:models?|deployments|engines)/([^/?#]+?)(?::[A-Za-z]+)?(?:[/?#]|$)")
_MODEL_IN_FORM: Final = re.compile(
    rb'name="?model"?[^\r\n]*+\r?\n(?:[^\r\n]++\r?\n){0,9}+\r?\n([^\r\n]{1,200})'
)
_BASE64_KEYS: Final = frozenset({"base64_string", "b64"})
_NO_MODEL: Final = frozenset({"", "models", "deployments"})


def exchange(
    body: Iterable[Piece],
    *,
    status: Any = None,
    url: Any = None,
    request_headers: Any = None,
    request_body: Any = None,
    response_headers: Any = None,
    started_at: int | None = None,
    request_sent_at: int | None = None,
    clock: str = "arrival",
) -> Exchange:
    """One response with what its container says around it; every argument as the container holds it.

    Where the container gives no time, the server's Date header is when the exchange began.
    """
    answer, asked = headers(response_headers), headers(request_headers)
    if started_at is None and request_sent_at is None and "date" in answer:
        started_at = times.parse_http_date(answer["date"])
    url = clean_url(url) if isinstance(url, str) else None
    return Exchange(
        body,
        http_status=status_of(status),
        url=url,
        request_id=_request_id(answer, asked),
        request_model=model_of(request_body) or _model_of_url(url),
        started_at=started_at,
        request_sent_at=request_sent_at,
        clock=clock,
    )


def body_of(content: Any, response_headers: Any = None) -> list[Piece]:
    """The pieces of a body as cassettes hold it: bare, or in an object that says how it is written."""
    encoding = headers(response_headers).get("content-encoding", "")
    content, is_base64 = _unwrapped(content)
    return bodies.pieces(content, encoding=encoding, is_base64=is_base64)


def headers(value: Any) -> Headers:
    """Headers from an object of texts or lists, a list of name and value pairs, or a list of lines."""
    found: dict[str, str] = {}
    for name, content in _header_pairs(value):
        first = content[0] if isinstance(content, list) and content else content
        if isinstance(name, str) and isinstance(first, (str, int)):
            found.setdefault(name.lower(), str(first).strip())
    return found


def status_of(value: Any) -> int | None:
    """An HTTP status from a number, a text such as `200 OK`, or an object with a `code`."""
    if isinstance(value, dict):
        value = value.get("code", value.get("status_code"))
    if isinstance(value, str):
        value = int(value[:3]) if value[:3].isdecimal() else None
    return value if isinstance(value, int) and 100 <= value <= 599 else None


def clean_url(url: str) -> str | None:
    """`url` without user, password, and parameters whose names say that they are secret."""
    base, mark, fragment = _USERINFO.sub(r"\1//", url.strip(), count=1).partition("#")
    path, question, query = base.partition("?")
    kept = _harmless(query)
    if "=" in fragment:
        fragment = _harmless(fragment)
    return (path + (question + kept if kept else "") + (mark + fragment if fragment else "")) or None


def model_of(body: Any) -> str | None:
    """The model that a request body names: JSON, as text, bytes or parsed, or a form."""
    content, is_base64 = _unwrapped(body)
    pieces = [] if isinstance(content, dict) else bodies.pieces(content, is_base64=is_base64)
    raw = b"".join(piece.data for piece in pieces if isinstance(piece, Read))
    try:
        value = content if isinstance(content, dict) else jsontext.decode(raw)
    except jsontext.NotJson:
        form = _MODEL_IN_FORM.search(raw)
        return form[1].decode("utf-8", "replace") if form else None
    if not isinstance(value, dict):
        return None
    names = (value.get(key) for key in ("model", "modelId", "model_id", "deployment_id"))
    return next((name for name in names if isinstance(name, str) and name), None)


def _unwrapped(content: Any) -> tuple[Any, bool]:
    """What `{"string": …}`, `{"base64_string": …}` or `{"b64": …}` holds, and whether it is base64."""
    if isinstance(content, dict):
        for key in _BASE64_KEYS & content.keys():
            return content[key], True
        if "string" in content:
            return content["string"], False
    return content, False


def _model_of_url(url: str | None) -> str | None:
    found = _MODEL_IN_URL.search(url or "")
    name = unquote(found[1]) if found else ""
    return None if name in _NO_MODEL else name


def _request_id(answer: Headers, asked: Headers) -> str | None:
    candidates = [side[name] for side in (answer, asked) for name in _REQUEST_IDS if name in side]
    return next((text for text in candidates if _REQUEST_ID.fullmatch(text)), None)


def _harmless(query: str) -> str:
    parts = re.split("([&;])", query)
    kept = [part for part in parts[::2] if not _SECRET.search(unquote(part.partition("=")[0]))]
    return "&".join(part for part in kept if part)


def _header_pairs(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    pairs: list[tuple[Any, Any]] = []
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict):
            pairs.append((each.get("name", each.get("key")), each.get("value")))
        elif isinstance(each, list) and len(each) == 2:
            pairs.append((each[0], each[1]))
        elif isinstance(each, str) and ":" in each:
            name, _, content = each.partition(":")
            pairs.append((name, content))
    return pairs
