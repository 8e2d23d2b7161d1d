"""Errors as servers put them into streams: one place for their many shapes.

`{"error": {…}}`, `{"error": "text"}`, `{"type": "error", …}`, `{"object": "error", …}`, `[{"error": …}]`, and
objects that hold nothing but a code and a message, or a `detail`.
"""

from typing import Final

from ssetl.apis.members import as_text, text
from ssetl.apis.row import Chunk, Json, Row

Error = tuple[str | None, str | None]
"""(type, message), as in the columns `error_type` and `error_message`."""

_TYPES: Final = ("type", "code", "status", "status_code", "statusCode", "error_type", "__type")
_MESSAGES: Final = ("message", "Message", "detail", "msg", "error", "title", "reason", "text")
_MEMBERS: Final = frozenset(
    {*_TYPES, *_MESSAGES, "details", "errors", "param", "path", "request_id", "timestamp"}
)
_FINE: Final = (None, "", 0, 200, "0", "200")
_CLIENT_ERROR: Final = 400


def error_of(value: Json, event_type: str | None = None) -> Error | None:
    """The error that a decoded JSON text reports, or None if it reports none.

    An event type `error` (or one that ends in `Exception`, as AWS names them) says that it is one, so that
    a lone message is enough; pass `"error"` for the body of a failed exchange, too.
    """
    named = event_type if event_type is not None and event_type.endswith("xception") else None
    declared = named is not None or event_type == "error"
    if type(value) is list and value:
        value = value[0]
    if type(value) is not dict:
        return (named, as_text(value)) if declared else None
    inside = value.get("error")
    if type(inside) is dict and inside:
        kind, message = _described(inside)
    elif type(inside) is str and inside and type(value.get("message")) is str:
        kind, message = inside, text(value, "message")
    elif declared or _is_error(value):
        kind, message = _described(value)
    else:
        return None
    return kind or named, message


def error_members(row: Row) -> Chunk:
    """The commonest shape of the error of `row`, `{"error": {"message": …, "type": …}}`, or nothing."""
    if row.error_type is None and row.error_message is None:
        return {}
    return {"error": {"message": row.error_message, "type": row.error_type}}


def _is_error(value: Chunk) -> bool:
    """Whether an object without an `error` object is an error all the same, though nobody said so."""
    inside = value.get("error")
    if inside is True or (type(inside) is str and inside):
        return True
    if value.get("type") == "error" or value.get("object") == "error":
        return True
    message, detail = value.get("message"), value.get("detail")
    if (type(message) is not str and detail is None) or not value.keys() <= _MEMBERS:
        return False
    if type(message) is not str:
        return True
    status = value.get("status")
    return value.get("code") not in _FINE or (type(status) is int and status >= _CLIENT_ERROR)


def _described(error: Chunk) -> Error:
    kinds = [error[key] for key in _TYPES if error.get(key) is not None]
    # A type that only says "error" says less than the code beside it.
    kind = next((kind for kind in kinds if kind != "error"), "error" if kinds else None)
    message = next((error[key] for key in _MESSAGES if error.get(key) is not None), None)
    return as_text(kind), as_text(error if kind is None and message is None else message)
