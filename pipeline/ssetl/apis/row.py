"""Rows and the patch: how one chunk becomes columns and comes back whole.

An API says which columns a chunk gives (`Api.columns`) and which chunk those columns alone would give
back (`Api.skeleton`). What differs between that skeleton and the chunk is `extra`: a JSON merge patch
(RFC 7396; lists of one length are patched element by element). So nothing can be lost, whatever an API
module overlooks: `restore(flatten(chunk)) == chunk`, null members aside.

In `extra` a text that already stands in a column of the row is written `{"$column": "reasoning"}`; an
object of the input that has such a key itself is wrapped, `{"$literal": {…}}`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ssetl.jsontext import encode

Json = Any
"""What a JSON decoder gives: dict, list, str, int, float, bool or None."""

Chunk = dict[str, Any]
"""The decoded JSON object of one event."""


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """One tool call, or a piece of one."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Token counts as the server reports them; None is unknown. Fields as in `schema.USAGE`."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_input_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class Row(msgspec.Struct, frozen=True, gc=False):
    """What one event says about one choice: the columns of `chunks` that come from its JSON.

    `created_at` is in microseconds since 1970. `usage`, the error and what `extra` says of the event as
    a whole stand on the event's first row only.
    """

    response_id: str | None = None
    created_at: int | None = None
    response_model: str | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    choice_index: int | None = None
    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    finish_reason: str | None = None
    logprobs: str | None = None
    usage: Usage | None = None
    error_type: str | None = None
    error_message: str | None = None
    extra: str | None = None


class Api(msgspec.Struct, frozen=True):
    """One API: how its events are known, flattened and put together again.

    Args:
        name: value of the column `api`.
        matches: (chunk, event type) -> whether this is certainly an event of this API.
        columns: (chunk, event type) -> its rows, at least one, without `extra`. Must not raise for any
            JSON object and must not change the chunk.
        skeleton: rows -> the chunk that the columns alone give back.
        listed: member that holds a list with one element per row, `choices` in OpenAI's APIs.
        starts: (chunk, event type) -> whether the event opens a stream, for APIs whose later events
            carry no id.
        ends: (chunk, event type) -> whether it is the API's own end event.
        adds_usage: whether later usage adds members to earlier usage instead of replacing it.
        stamped: whether `created_at` of each event is a clock fine enough to time the stream.
    """

    name: str
    matches: Callable[[Chunk, str | None], bool]
    columns: Callable[[Chunk, str | None], list[Row]]
    skeleton: Callable[[Sequence[Row]], Chunk]
    listed: str | None = None
    starts: Callable[[Chunk, str | None], bool] = lambda _chunk, _type: False
    ends: Callable[[Chunk, str | None], bool] = lambda _chunk, _type: False
    adds_usage: bool = False
    stamped: bool = False


def flatten(api: Api, chunk: Chunk, event_type: str | None = None) -> list[Row]:
    """The rows of one event, `extra` filled in."""
    rows = api.columns(chunk, event_type)
    patch = diff(api.skeleton(rows), chunk)
    if not patch:
        return rows
    patches: list[Chunk] = [patch] + [{} for _ in rows[1:]]
    if api.listed and rows[0].choice_index is not None and type(patch.get(api.listed)) is list:
        elements = patch.pop(api.listed)
        for each, element in zip(patches, elements, strict=True):
            if element != {}:
                each[api.listed] = [element]
    return [
        msgspec.structs.replace(row, extra=encode(_refer(each, row))) if each else row
        for row, each in zip(rows, patches, strict=True)
    ]


def restore(api: Api, rows: Sequence[Row]) -> Chunk:
    """The chunk that `rows` were made of, without its null members."""
    patch: Chunk = {}
    elements: list[Json] = [{} for _ in rows]
    for position, row in enumerate(rows):
        each = _resolve(_decoder.decode(row.extra), row) if row.extra else {}
        if api.listed and row.choice_index is not None and type(each.get(api.listed)) is list:
            [elements[position]] = each.pop(api.listed)
        patch |= each
    if any(element != {} for element in elements):
        patch[api.listed or ""] = elements
    chunk: Chunk = drop_nulls(merge(api.skeleton(rows), patch))
    return chunk


def drop_nulls(value: Json) -> Json:
    """`value` without the null members of its objects, at any depth."""
    if type(value) is dict:
        return {key: drop_nulls(member) for key, member in value.items() if member is not None}
    if type(value) is list:
        return [drop_nulls(element) for element in value]
    return value


def diff(base: Json, target: Json) -> Json:
    """The merge patch that makes `target` of `base`; `{}` if there is nothing to do.

    Numbers must agree in type: 1, 1.0 and true differ. `base` must have no member with a name that patches
    reserve (`$column`, `$literal`) where `target` has none.
    """
    change = _change(base, target)
    return {} if change is _UNCHANGED else change


def merge(base: Json, patch: Json) -> Json:
    """`base` with `patch` applied: RFC 7396, but lists of one length are merged by element."""
    if type(patch) is dict:
        if _LITERAL in patch:
            return patch[_LITERAL]
        merged = dict(base) if type(base) is dict else {}
        for key, change in patch.items():
            if change is None:
                merged.pop(key, None)
            else:
                merged[key] = merge(merged.get(key), change)
        return merged
    if type(patch) is list:
        if type(base) is list and len(base) == len(patch):
            return [merge(b, p) for b, p in zip(base, patch, strict=True)]
        return [merge(None, p) for p in patch]
    return patch


REFERENCE: Final = "$column"
"""The only member of what stands in `extra` for the text of a column."""

_LITERAL: Final = "$literal"
_UNCHANGED: Final = object()
_decoder: Final = msgspec.json.Decoder()
TEXT_KEYS: Final = frozenset(
    {"text", "thinking", "reasoning", "reasoning_content", "content", "summary", "arguments", "refusal"}
)
TEXT_COLUMNS: Final = ("content", "reasoning", "refusal")


def _change(base: Json, target: Json) -> Json:
    """As `diff`, but `_UNCHANGED` if there is nothing to do: `{}` may be an object that is new."""
    kind = type(target)
    if kind is dict:
        if type(base) is not dict or REFERENCE in target or _LITERAL in target:
            return _whole(target)
        patch = {}
        for key, member in target.items():
            known = base.get(key)
            # Most texts of a skeleton are those of the chunk itself, and this runs for each member.
            if known is member or member is None:
                continue
            if (change := _change(known, member)) is not _UNCHANGED:
                patch[key] = change
        for key, known in base.items():
            if known is not None and target.get(key) is None:
                patch[key] = None
        return patch or _UNCHANGED
    if kind is list:
        return _list_change(base, target)
    return _UNCHANGED if type(base) is kind and base == target else target


def _list_change(base: Json, target: list[Json]) -> Json:
    """Lists of one length change by element; an object that stays is `{}` among them."""
    if type(base) is not list or len(base) != len(target):
        return _whole(target)
    changes, changed = [], False
    for known, element in zip(base, target, strict=True):
        change = _change(known, element)
        if change is not _UNCHANGED:
            changed = True
        else:
            change = {} if type(element) is dict else element
        changes.append(change)
    return changes if changed else _UNCHANGED


def _whole(target: Json) -> Json:
    """The patch that gives `target` where there is nothing like it."""
    if type(target) is dict:
        if REFERENCE in target or _LITERAL in target:
            return {_LITERAL: target}
        return {key: _whole(member) for key, member in target.items() if member is not None}
    if type(target) is list:
        return [_whole(element) for element in target]
    return target


def _refer(patch: Json, row: Row, key: str = "") -> Json:
    """`patch` with texts that a column of `row` holds replaced by references to it."""
    if type(patch) is dict:
        if _LITERAL in patch:
            return patch
        return {name: _refer(member, row, name) for name, member in patch.items()}
    if type(patch) is list:
        return [_refer(element, row, key) for element in patch]
    if patch and type(patch) is str and key in TEXT_KEYS:
        for column in TEXT_COLUMNS:
            if getattr(row, column) == patch:
                return {REFERENCE: column}
    return patch


def _resolve(patch: Json, row: Row) -> Json:
    """The opposite of `_refer`."""
    if type(patch) is dict:
        if _LITERAL in patch:
            return patch
        if REFERENCE in patch:
            return getattr(row, patch[REFERENCE])
        return {name: _resolve(member, row) for name, member in patch.items()}
    if type(patch) is list:
        return [_resolve(element, row) for element in patch]
    return patch
