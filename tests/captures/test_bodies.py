"""Bodies: text, bytes, base64 and compression in any order; damage costs only what is damaged."""

import base64
import gzip
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures import bodies
from ssetl.captures.exchange import Gap, Piece, Read

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SSE = b'data: {"choices":[]}\n\ndata: [DONE]\n\n'
PACKED = gzip.compress(SSE, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def only(pieces: list[Piece]) -> bytes:
    [piece] = pieces
    assert isinstance(piece, Read)
    return piece.data


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (SSE, ""),
        (SSE, "gzip"),  # decoded by the recorder, the header left as it was
        (SSE, "br"),
        (PACKED, ""),
        (PACKED, "gzip"),
        (gzip.compress(SSE[:9], mtime=0) + gzip.compress(SSE[9:], mtime=0), "gzip"),
        (gzip.compress(PACKED, mtime=0), "gzip"),
        (zlib.compress(SSE), "deflate"),
        (raw_deflate(SSE), "Deflate"),
        (zstd.compress(SSE), "zstd"),
    ],
)
def test_compression_is_taken_off(packed: bytes, encoding: str) -> None:
    assert only(bodies.pieces(packed, encoding=encoding)) == SSE
    text = base64.b64encode(packed).decode()
    assert only(bodies.pieces(text, encoding=encoding, is_base64=True)) == SSE
    assert only(bodies.pieces(bodies.Base64(text), encoding=encoding)) == SSE


def test_base64_that_nobody_called_so_is_known_by_what_is_inside() -> None:
    assert only(bodies.pieces(base64.b64encode(SSE).decode())) == SSE
    assert only(bodies.pieces(base64.encodebytes(PACKED).decode())) == SSE
    assert only(bodies.pieces("QUJDREVGR0hJSktMTU5P")) == b"QUJDREVGR0hJSktMTU5P"  # ABCDEFGHIJKLMNO


def test_text_that_is_bytes_in_disguise() -> None:
    assert only(bodies.pieces(PACKED.decode("latin-1"))) == SSE
    prelude = b"\x00\x00\x00\x10\x00\x00\x00\x00"
    frame = prelude + zlib.crc32(prelude).to_bytes(4) + b"\x9f\x9e\x9d\x9c"
    assert only(bodies.pieces(frame.decode("latin-1"))) == frame


def test_what_containers_hold_as_values() -> None:
    assert bodies.pieces(None) == []
    assert bodies.pieces("") == []
    assert only(bodies.pieces({"error": {"code": 1}})) == b'{"error":{"code":1}}'
    assert only(bodies.pieces([{"a": 1}])) == b'[{"a":1}]'
    assert only(bodies.pieces({"a": bodies.Base64("aGk=")})) == b'{"a":"aGk="}'
    assert only(bodies.pieces(["data: 1\n", "\n"])) == b"data: 1\n\n"
    assert only(bodies.pieces(["data: 1", "", "data: 2"])) == b"data: 1\n\ndata: 2\n"


@pytest.mark.parametrize(
    ("content", "encoding", "reason", "good"),
    [
        (PACKED[:-9], "", "truncated_gzip", None),
        (PACKED + b"garbage", "", "corrupt_gzip", SSE),
        (zstd.compress(SSE)[:-2], "", "truncated_zstd", None),
        (b"\x8b\x02\x80\x00", "br", "unsupported_encoding", b""),
        (b"\xff\xff\xff\xff", "deflate", "corrupt_deflate", b""),
        (bodies.Base64(base64.b64encode(SSE).decode()[:21]), "", "not_base64", SSE[:15]),
        (bodies.Base64(base64.b64encode(SSE).decode()[:20] + "€€€"), "", "not_base64", SSE[:15]),
    ],
)
def test_damage_is_a_gap_behind_what_is_good(
    content: bytes | str, encoding: str, reason: str, good: bytes | None
) -> None:
    *before, gap = bodies.pieces(content, encoding=encoding)
    kept = b"".join(piece.data for piece in before if isinstance(piece, Read))
    assert isinstance(gap, Gap)
    assert gap.reason == reason
    assert gap.offset == len(kept)
    assert SSE.startswith(kept)
    assert good is None or kept == good


def test_a_bomb_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY", 100_000)
    read, gap = bodies.pieces(gzip.compress(b"0" * 5_000_000))
    assert isinstance(read, Read)
    assert isinstance(gap, Gap)
    assert (len(read.data), gap.reason) == (100_000, "body_too_large")


@given(st.binary(max_size=300))
def test_any_bytes_come_back(data: bytes) -> None:
    assert bodies.unbase64(base64.encodebytes(data)) == data
    assert bodies.unbase64(base64.urlsafe_b64encode(data).rstrip(b"=")) == data
    if not data.startswith((b"\x1f\x8b", b"\x28\xb5")):
        assert bodies.inflate(gzip.compress(data)) == data


@given(
    st.one_of(st.text(max_size=200), st.binary(max_size=200)), st.sampled_from(["", "gzip", "deflate", "br"])
)
def test_no_body_raises(content: str | bytes, encoding: str) -> None:
    for is_base64 in (False, True):
        for piece in bodies.pieces(content, encoding=encoding, is_base64=is_base64):
            assert isinstance(piece, (Read, Gap))
