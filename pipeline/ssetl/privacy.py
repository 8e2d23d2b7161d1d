"""What people wrote: kept, hashed or dropped, before rows are written.

A policy has one of three modes:

- keep: texts stay as they are;
- hash: a text becomes `blake3:9f2c41d0a3b85e67:17`, a keyed hash and its length in characters. Within a
  dataset equal texts have equal hashes and an empty text stays empty; frequent short texts can be guessed by
  how frequent they are;
- drop: a text becomes null.

Texts are content, refusal, reasoning, log probabilities, arguments of tool calls, error messages, samples of
rejects, the query of a URL, and all of `extra` but its `outline`. Times, counts, ids, models, roles, finish
reasons, usage and names of tools stay: they were taken from the true texts.

In every mode, what looks like a credential is masked in `extra`, errors, URLs and samples; and of lines that
are no part of a response the sample ends before the first brace or quote, for they may show a request.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
from blake3 import blake3

from ssetl import content, files, kernels
from ssetl.credentials import SUSPICIOUS, mask, mask_bytes, mask_json
from ssetl.jsontext import encode
from ssetl.outline import Hide, is_label, outline

KEY_FILE: Final = "_content.key"
"""Where a dataset keeps the key of its hashes; only its owner can read it."""

KEY_BYTES: Final = 32

BESIDE: Final = ("log_line", "stray_json", "unfinished_json")
"""Reasons of rejects that are no part of a response."""

_HASH_BYTES: Final = 8  # 16 hexadecimal digits: equal by chance once in a billion datasets of 100,000 texts


class Policy(msgspec.Struct, frozen=True):
    """How texts are kept: a mode of `content.MODES`, and the key for `hash`."""

    mode: str = "keep"
    key: bytes = b""


KEEP: Final = Policy()

SCREENED: Final[dict[bytes | str, bytes | str]] = {b"ssetl.screened": b""}
"""Metadata of a column in memory: it has been searched, and nothing in it looks like a credential."""


def policy_of(options: Mapping[str, str], dataset: Path) -> Policy:
    """The policy of a part with these options. The first part that hashes makes the key of its dataset.

    Raises:
        OSError: the key cannot be written or read.
    """
    mode = options.get(content.OPTION, "keep")
    return Policy(mode, _key(dataset / KEY_FILE) if mode == "hash" else b"")


def screened(table: str, rows: pa.Table, policy: Policy) -> pa.Table:
    """Rows of a table as they may be written; columns as in `schema.TABLES[table]`, texts or dictionaries."""
    if table == "rejects":
        rows = _with(rows, "sample", partial(_leads, rows["reason"]))
    for name, change in _MASKED.get(table, {}).items():
        if rows.schema.field(name).metadata != SCREENED:
            rows = _with(rows, name, partial(_mask_column, change))
    if policy.mode == "keep":
        return rows
    hide = partial(_hashed, policy.key) if policy.mode == "hash" else _dropped
    for name, hidden in _TEXTS.get(table, {}).items():
        rows = _with(rows, name, partial(_map_column, partial(hidden, hide)))
    return rows


def _key(path: Path) -> bytes:
    """The key in a file, which is made if there is none; of several that make it at a time, one wins."""
    if not path.exists():
        temporary = files.temporary_name(path)
        with files.held(temporary, mode=0o600):
            temporary.write_bytes(os.urandom(KEY_BYTES))
            files.publish(temporary, path)
    return path.read_bytes()


def _hashed(key: bytes, text: str) -> str:
    if not text:
        return text
    digest = blake3(text.encode("utf-8", "surrogatepass"), key=key).hexdigest(length=_HASH_BYTES)
    return f"blake3:{digest}:{len(text)}"


def _dropped(_text: str) -> None:
    return None


def _logprobs(hide: Hide, text: str) -> str | None:
    """A JSON column stays JSON."""
    hidden = hide(text)
    return None if hidden is None else encode(hidden)


def _calls(hide: Hide, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**call, "arguments": _text(hide, call["arguments"])} for call in calls]


def _text(hide: Hide, text: str | None) -> str | None:
    return None if text is None else hide(text)


def _label(hide: Hide, text: str) -> str | None:
    return text if is_label(text) else hide(text)


def _extra(hide: Hide, text: str) -> str | None:
    outlined = outline(msgspec.json.decode(text), hide)
    return encode(outlined) if outlined else None


def _path(_hide: Hide, url: str) -> str:
    return url.partition("?")[0].partition("#")[0]


def _sample(hide: Hide, sample: bytes) -> bytes | None:
    hidden = hide(sample.decode("latin-1"))
    return None if hidden is None else hidden.encode()


_MASKED: Final[Mapping[str, Mapping[str, Callable[[Any], Any]]]] = {
    "chunks": {"error_type": mask, "error_message": mask, "extra": mask_json},
    "streams": {"url": mask, "error_type": mask, "error_message": mask},
    "rejects": {"sample": mask_bytes},
}
_TEXTS: Final[Mapping[str, Mapping[str, Callable[[Hide, Any], Any]]]] = {
    "chunks": {
        "content": _text,
        "refusal": _text,
        "reasoning": _text,
        "tool_calls": _calls,
        "logprobs": _logprobs,
        "error_type": _label,
        "error_message": _text,
        "extra": _extra,
    },
    "streams": {"url": _path, "error_type": _label, "error_message": _text},
    "rejects": {"sample": _sample},
}


def _with(rows: pa.Table, name: str, change: Callable[[Any], Any]) -> pa.Table:
    position = rows.schema.names.index(name)
    column = rows.column(position)
    changed = column if column.null_count == len(column) else change(column)
    return rows if changed is column else rows.set_column(position, rows.schema.field(position), changed)


def _leads(reasons: Any, samples: Any) -> Any:
    """The samples, those of lines beside the responses only up to what they quote."""
    beside = kernels.is_among(reasons, BESIDE)
    if not kernels.is_any(beside):
        return samples
    return kernels.chosen(beside, kernels.without(samples, r"(?s)[{\"].*"), samples)


def _mask_column(change: Callable[[Any], Any], column: Any) -> Any:
    """A column with its suspicious values changed. Mostly there is none, and one quick search tells."""
    if not kernels.matches(pa.chunked_array([_whole(chunk) for chunk in column.chunks]), SUSPICIOUS):
        return column
    return pa.chunked_array([_mask_chunk(change, chunk) for chunk in column.chunks], column.type)


def _mask_chunk(change: Callable[[Any], Any], values: Any) -> Any:
    if isinstance(values, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(values.indices, _mask_chunk(change, values.dictionary))
    hits = kernels.matching(values, SUSPICIOUS)
    changed = [change(value) for value in kernels.where(values, hits).to_pylist()]
    return kernels.replaced(values, hits, pa.array(changed, values.type))


def _whole(values: Any) -> Any:
    """All texts of an array as one."""
    return kernels.whole(values.dictionary if isinstance(values, pa.DictionaryArray) else values)


def _map_column(change: Callable[[Any], Any], column: Any) -> Any:
    """A column with each of its values changed."""
    return pa.chunked_array([_map_chunk(change, chunk) for chunk in column.chunks], column.type)


def _map_chunk(change: Callable[[Any], Any], values: Any) -> Any:
    """Equal texts are changed once."""
    if pa.types.is_list(values.type):
        return _array(change, values, values.type)
    encoded = values if isinstance(values, pa.DictionaryArray) else kernels.dictionary(values)
    changed = _array(change, encoded.dictionary, encoded.dictionary.type)
    return kernels.cast(kernels.take(changed, encoded.indices), values.type)


def _array(change: Callable[[Any], Any], values: Any, kind: pa.DataType) -> Any:
    return pa.array([None if value is None else change(value) for value in values.to_pylist()], kind)
